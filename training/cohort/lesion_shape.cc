// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lesion_shape.h"

#include <algorithm>
#include <cmath>

namespace m3lung {
namespace {

constexpr double kLobuleMm = 11;    // of a secondary lobule
constexpr double kFissureMm = 1.2;  // width of the edge at a cut

double DistanceToSegment(const Point3& p, const Point3& a, const Point3& b) {
  const double bx = b.x - a.x, by = b.y - a.y, bt = b.t - a.t;
  const double px = p.x - a.x, py = p.y - a.y, pt = p.t - a.t;
  const double length2 = bx * bx + by * by + bt * bt;
  const double w = length2 > 0 ? std::clamp((px * bx + py * by + pt * bt) / length2, 0.0, 1.0) : 0;
  const double dx = px - w * bx, dy = py - w * by, dt = pt - w * bt;
  return std::sqrt(dx * dx + dy * dy + dt * dt);
}

// 1 on the walls of cells of about `mesh` mm, 0 within them: where noise crosses zero.
double Septum(const SpatialNoise& noise, const Point3& p, double mesh) {
  const double a = noise.At(p.x / mesh + 31, p.y / mesh, p.t / mesh);
  const double b = noise.At(p.x / mesh, p.y / mesh + 57, p.t / mesh);
  return std::max(SmoothStep(1 - std::abs(a) / 0.16), SmoothStep(1 - std::abs(b) / 0.16));
}

// What is left of the weight at cuts, rims and bronchi.
double Bounded(const Lesion& lesion, const SpatialNoise& noise, const Point3& p, double depth_mm,
               double weight) {
  if (lesion.band_mm > 0) {
    weight *= SmoothStep((1.25 * lesion.band_mm - depth_mm) / (0.5 * lesion.band_mm));
  }
  if (lesion.rim_mm > 0) weight *= SmoothStep(depth_mm / lesion.rim_mm - 0.4);
  for (const Cut& cut : lesion.cuts) {
    const double wave = 2.5 * noise.At(p.x / 25, p.y / 25 + 9, p.t / 25);
    const double beyond =
        cut.normal.x * p.x + cut.normal.y * p.y + cut.normal.t * p.t - cut.offset + wave;
    weight *= SmoothStep(0.5 - beyond / kFissureMm);
  }
  for (const Vessel& lumen : lesion.lumens) {
    const double distance = DistanceToSegment(p, lumen.from, lumen.to);
    weight *= SmoothStep((distance - lumen.radius_mm) / 0.8 + 0.5);
  }
  return weight;
}

}  // namespace

double SmoothStep(double w) {
  w = std::clamp(w, 0.0, 1.0);
  return w * w * (3 - 2 * w);
}

double ReachMm(const Lesion& lesion) {
  return (1 + lesion.ragged) * std::max(lesion.rx_mm, lesion.ry_mm);
}

double ReachAlongT(const Lesion& lesion) {
  return (1 + lesion.ragged) * (lesion.rt_mm + std::abs(lesion.tilt) * lesion.rx_mm);
}

LesionSample SampleLesion(const Lesion& lesion, const SpatialNoise& noise, const Point3& p,
                          double depth_mm) {
  const double dx = p.x - lesion.centre.x, dy = p.y - lesion.centre.y;
  const double c = std::cos(lesion.angle), s = std::sin(lesion.angle);
  const double u = dx * c + dy * s, v = dy * c - dx * s;
  const double along = u / lesion.rx_mm, across = v / lesion.ry_mm;
  const double axial = (p.t - lesion.centre.t - lesion.tilt * u) / lesion.rt_mm;
  const double smooth = std::sqrt(along * along + across * across + axial * axial);
  if (smooth > 1 + lesion.ragged) return {};
  const double g = lesion.grain_mm;
  double radius = smooth;
  if (lesion.ragged > 0) {
    const double rough = 0.65 * noise.At(p.x / g, p.y / g, p.t / g) +
                         0.35 * noise.At(2.7 * p.x / g + 7, 2.7 * p.y / g, 2.7 * p.t / g);
    radius += 1.4 * lesion.ragged * rough;
  }
  if (radius >= 1) return {};
  LesionSample sample;
  sample.weight = SmoothStep((1 - radius) / lesion.edge);
  sample.weight = Bounded(lesion, noise, p, depth_mm, sample.weight);
  if (lesion.hollow > 0) sample.weight *= SmoothStep((smooth - lesion.hollow) / 0.15 + 0.5);
  if (lesion.patchy > 0) {
    const double lobule =
        0.5 + 0.75 * noise.At(p.x / kLobuleMm, p.y / kLobuleMm + 40, p.t / kLobuleMm);
    sample.weight *= SmoothStep((lobule - lesion.patchy) / 0.18 + 0.5);
  }
  if (sample.weight <= 0) return {};
  const double solid =
      lesion.core > 0 ? SmoothStep((lesion.core - radius) / std::max(0.08, 0.6 * lesion.edge) + 0.5)
                      : 0;
  double fill = lesion.glass + solid * (lesion.core_fill - lesion.glass);
  if (lesion.texture > 0) {
    const double grain = 0.6 * noise.At(p.x / 6 + 100, p.y / 6, p.t / 6) +
                         0.6 * noise.At(p.x / 1.9, p.y / 1.9 + 100, p.t / 1.9);
    fill *= 1 + lesion.texture * 1.6 * grain * (1 - 0.75 * solid);
  }
  if (lesion.septa > 0) fill += lesion.septa * (1 - solid) * Septum(noise, p, lesion.mesh_mm);
  sample.fill = sample.weight * std::clamp(fill, 0.0, 10.0);
  return sample;
}

}  // namespace m3lung
