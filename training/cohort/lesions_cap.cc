// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/lesions.h"

namespace m3lung {
namespace {

// The cuts that keep what shares a lobe with `p`.
std::vector<Cut> LobeOf(const LungPoint& p, const LungField& field, Random& random) {
  const LungBox& box = field.box(p.side);
  const double deep = std::max(box.high.y - box.low.y, 1.0), tall = box.high.t - box.low.t;
  // The oblique fissure: high at the back, at the diaphragm in front.
  const double behind = random.Uniform(0.2, 0.32), front = random.Uniform(0.78, 0.95);
  const double rise = (behind - front) * tall / deep;  // of t over y
  const double length = std::hypot(1, rise);
  Cut oblique;
  oblique.normal = {0, -rise / length, 1 / length};
  oblique.offset = oblique.normal.y * box.low.y + oblique.normal.t * (box.low.t + front * tall);
  const auto keep = [&p](Cut cut) {
    const double at = cut.normal.x * p.at.x + cut.normal.y * p.at.y + cut.normal.t * p.at.t;
    if (at <= cut.offset) return cut;
    return Cut{{-cut.normal.x, -cut.normal.y, -cut.normal.t}, -cut.offset};
  };
  std::vector<Cut> cuts = {keep(oblique)};
  const bool in_lower_lobe = cuts[0].normal.t < 0;
  if (p.side == kRightLung && !in_lower_lobe) {  // the middle lobe below, the upper above
    cuts.push_back(keep({{0, 0, 1}, box.low.t + random.Uniform(0.48, 0.58) * tall}));
  }
  return cuts;
}

// Bronchi from the hilum's direction into a consolidation, that keep their air.
std::vector<Vessel> Bronchi(const Lesion& lesion, const Point3& hilum, Random& random) {
  std::vector<Vessel> bronchi;
  const double size = std::max(lesion.rx_mm, lesion.ry_mm);
  const Point3& c = lesion.centre;
  const double away =
      std::max(1.0, std::hypot(std::hypot(c.x - hilum.x, c.y - hilum.y), c.t - hilum.t));
  const Point3 root = {c.x + (hilum.x - c.x) / away * size, c.y + (hilum.y - c.y) / away * size,
                       c.t + (hilum.t - c.t) / away * size};
  const int branches = 2 + random.Index(5);
  for (int i = 0; i < branches; ++i) {
    Point3 from = root;
    Point3 step = {(c.x - root.x) * 0.45, (c.y - root.y) * 0.45, (c.t - root.t) * 0.45};
    double radius = random.Uniform(1.0, 2.4);
    for (int piece = 0; piece < 4; ++piece) {
      step = {step.x * 0.9 + random.Normal(0, 0.16 * size),
              step.y * 0.9 + random.Normal(0, 0.16 * size),
              step.t * 0.9 + random.Normal(0, 0.16 * size)};
      const Point3 to = {from.x + step.x, from.y + step.y, from.t + step.t};
      bronchi.push_back({from, to, radius, lesion.side});
      from = to;
      radius *= 0.8;
    }
  }
  return bronchi;
}

// A lobe or a segment that is solid, with a rim of ground glass.
void AddConsolidation(const LungPoint& point, double size_mm, const LungField& field,
                      Random& random, std::vector<Lesion>& lesions) {
  Lesion lesion = LesionAt(point);
  lesion.rx_mm = size_mm * random.Uniform(0.7, 1.15);
  lesion.ry_mm = size_mm * random.Uniform(0.7, 1.3);
  lesion.rt_mm = size_mm * random.Uniform(0.7, 1.2);
  lesion.angle += random.Normal(0, 0.4);
  lesion.cuts = LobeOf(point, field, random);
  lesion.edge = random.Uniform(0.06, 0.25);
  lesion.ragged = random.Uniform(0.15, 0.4);
  lesion.grain_mm = std::clamp(0.5 * size_mm, 6.0, 18.0);
  lesion.glass = random.Uniform(0.82, 1.03);
  lesion.texture = random.Uniform(0.02, 0.1);
  if (random.Chance(0.65)) lesion.lumens = Bronchi(lesion, field.hilum(point.side), random);
  if (random.Chance(0.06)) lesion.hollow = random.Uniform(0.12, 0.25);
  if (random.Chance(0.2)) lesion.patchy = random.Uniform(0.1, 0.35);
  if (random.Chance(0.8)) {
    Lesion rim = lesion;
    for (double* r : {&rim.rx_mm, &rim.ry_mm, &rim.rt_mm}) *r = *r * random.Uniform(1.1, 1.5) + 4;
    rim.glass = random.Uniform(0.2, 0.5);
    rim.texture = random.Uniform(0.2, 0.4);
    rim.edge = random.Uniform(0.4, 0.8);
    rim.ragged = 0.5;
    rim.hollow = 0;
    rim.lumens.clear();
    rim.patchy = random.Chance(0.5) ? random.Uniform(0.25, 0.5) : 0;
    lesions.push_back(rim);
  }
  lesions.push_back(std::move(lesion));
}

// Bronchopneumonia: patches about the bronchi of one lobe, of all densities.
void AddPatches(const LungPoint& point, double size_mm, const LungField& field, Random& random,
                std::vector<Lesion>& lesions) {
  const std::vector<Cut> lobe = LobeOf(point, field, random);
  const double glassy = random.Uniform(0, 0.7);
  const int count = 4 + static_cast<int>(size_mm * random.Uniform(0.15, 0.4));
  for (int i = 0; i < count; ++i) {
    Lesion patch = LesionAt(point);
    patch.centre.x += random.Normal(0, 0.55 * size_mm);
    patch.centre.y += random.Normal(0, 0.55 * size_mm);
    patch.centre.t += random.Normal(0, 0.55 * size_mm);
    patch.rx_mm = random.Uniform(4, 13);
    patch.ry_mm = patch.rx_mm * random.Uniform(0.7, 1.6);
    patch.rt_mm = patch.rx_mm * random.Uniform(0.7, 1.4);
    patch.angle = random.Uniform(0, M_PI);
    patch.edge = random.Uniform(0.2, 0.7);
    patch.ragged = random.Uniform(0.3, 0.6);
    patch.grain_mm = 5;
    patch.glass = random.Chance(glassy) ? random.Uniform(0.25, 0.6) : random.Uniform(0.7, 1.0);
    patch.texture = 0.25;
    patch.cuts = lobe;
    lesions.push_back(std::move(patch));
  }
}

// Small nodules about a region, and bronchi with thick walls seen end on.
void AddSatellites(const LungPoint& point, double size_mm, Random& random,
                   std::vector<Lesion>& lesions) {
  const int count = 4 + random.Index(22);
  const double rings = random.Uniform(0, 0.4);
  for (int i = 0; i < count; ++i) {
    Lesion nodule;
    nodule.side = point.side;
    nodule.centre = {point.at.x + random.Normal(0, 0.9 * size_mm),
                     point.at.y + random.Normal(0, 0.9 * size_mm),
                     point.at.t + random.Normal(0, 0.9 * size_mm)};
    const bool ring = random.Chance(rings);
    nodule.rx_mm = ring ? random.Uniform(3.5, 7) : random.Uniform(1.8, 4);
    nodule.ry_mm = nodule.rx_mm * random.Uniform(0.85, 1.2);
    nodule.rt_mm = nodule.rx_mm * random.Uniform(0.9, ring ? 3.0 : 1.3);
    nodule.hollow = ring ? random.Uniform(0.45, 0.65) : 0;
    nodule.edge = ring ? 0.35 : random.Uniform(0.4, 0.8);
    nodule.ragged = ring ? 0.2 : 0.25;
    nodule.grain_mm = ring ? 6 : 4;
    nodule.glass = random.Uniform(0.4, 1.0);
    nodule.texture = 0;
    lesions.push_back(nodule);
  }
}

}  // namespace

std::vector<Lesion> CapLesions(double severity, const LungField& field, Random& random) {
  const double low = random.Uniform(-0.5, 1.5);
  const PointSampler sampler(field, [&](const LungPoint& p) {
    // Clear of the ends, where there is too little lung for a segment.
    if (p.height < 0.08 || p.height > 0.94) return 0.0;
    return std::exp(low * p.height - std::abs(p.depth_mm - 9) / 12);
  });
  std::vector<Lesion> lesions;
  const double share = random.Uniform(0, 1);
  const int regions = share < 0.7 ? 1 : (share < 0.92 ? 2 : 3);
  int first_side = kNoLung;
  for (int i = 0; i < regions; ++i) {
    const LungPoint* point = sampler.Draw(random);
    // A second region is more often on the first one's side.
    for (int attempt = 0; i > 0 && attempt < 2 && point != nullptr && point->side != first_side;
         ++attempt) {
      point = sampler.Draw(random);
    }
    if (point == nullptr) continue;
    if (i == 0) first_side = point->side;
    const double size =
        (i == 0 ? 1 : 0.6) * (11 + 52 * severity * random.Uniform(0.7, 1.15)) * Gravity(severity);
    const double kind = random.Uniform(0, 1);
    if (kind < 0.6) {
      AddConsolidation(*point, size, field, random, lesions);
    } else if (kind < 0.9) {
      AddPatches(*point, std::max(size, 16.0), field, random, lesions);
    } else {  // ground glass alone, of a segment
      AddConsolidation(*point, size, field, random, lesions);
      lesions.back().glass = random.Uniform(0.25, 0.55);
      lesions.back().texture = 0.3;
    }
    if (random.Chance(0.55)) AddSatellites(*point, std::max(size, 14.0), random, lesions);
  }
  return lesions;
}

}  // namespace m3lung
