// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/confounders.h"

#include <algorithm>
#include <cmath>

#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/lesions.h"

namespace m3lung {
namespace {

Lesion Harmless(const Point3& at, int side) {
  Lesion finding;
  finding.harmless = true;
  finding.centre = at;
  finding.side = side;
  finding.texture = 0.1;
  return finding;
}

// Blood sinks to the back: a faint veil along the pleura there.
void AddDependentDensity(const LungField& field, Random& random, std::vector<Lesion>& findings) {
  const double fill = random.Uniform(0.03, 0.15), deep = random.Uniform(6, 16);
  for (int side : {kRightLung, kLeftLung}) {
    const LungBox& box = field.box(side);
    Lesion veil = Harmless(
        {(box.low.x + box.high.x) / 2, box.high.y, (box.low.t + 2 * box.high.t) / 3}, side);
    veil.rx_mm = 0.55 * (box.high.x - box.low.x) + 5;
    veil.ry_mm = 1.6 * deep + 8;
    veil.rt_mm = 0.55 * (box.high.t - box.low.t);
    veil.band_mm = deep;
    veil.edge = 0.9;
    veil.ragged = 0.25;
    veil.grain_mm = 20;
    veil.glass = fill * random.Uniform(0.7, 1.3);
    findings.push_back(veil);
  }
}

// A thin plate of collapsed lung.
Lesion Atelectasis(const LungPoint& point, Random& random) {
  Lesion band = Harmless(point.at, point.side);
  band.rx_mm = random.Uniform(9, 30);
  band.ry_mm = random.Uniform(0.9, 2.0);
  band.rt_mm = random.Uniform(3, 12);
  band.angle = random.Uniform(0, M_PI);
  band.tilt = random.Uniform(-0.3, 0.3);
  band.edge = 0.7;
  band.ragged = 0.2;
  band.grain_mm = 12;
  band.glass = random.Uniform(0.45, 0.95);
  return band;
}

Lesion Scar(const LungPoint& point, Random& random) {
  Lesion scar = LesionAt(point);
  scar.harmless = true;
  scar.rx_mm = random.Uniform(2, 6);
  scar.ry_mm = random.Uniform(1.2, 3);
  scar.rt_mm = random.Uniform(2, 5);
  scar.angle += random.Normal(0, 0.8);
  scar.edge = 0.6;
  scar.ragged = 0.6;
  scar.grain_mm = 3;
  scar.glass = random.Uniform(0.5, 1.0);
  return scar;
}

// A short line from the pleura inwards: a thickened septum.
Lesion Line(const LungPoint& point, Random& random) {
  Lesion line = LesionAt(point);
  line.harmless = true;
  line.rx_mm = random.Uniform(4, 10);
  line.ry_mm = random.Uniform(0.6, 1.0);
  line.rt_mm = random.Uniform(2, 6);
  line.angle += random.Normal(0, 0.4);
  line.edge = 0.8;
  line.ragged = 0.2;
  line.grain_mm = 6;
  line.glass = random.Uniform(0.3, 0.7);
  line.texture = 0;
  return line;
}

}  // namespace

std::vector<Lesion> HarmlessFindings(const LungField& field, Random& random) {
  std::vector<Lesion> findings;
  if (field.points().empty()) return findings;
  if (random.Chance(0.6)) AddDependentDensity(field, random, findings);
  const auto add = [&](double share, int most, const auto& weight, const auto& make) {
    if (!random.Chance(share)) return;
    const PointSampler sampler(field, weight);
    const int count = 1 + random.Index(most);
    for (int i = 0; i < count; ++i) {
      const LungPoint* point = sampler.Draw(random);
      if (point != nullptr) findings.push_back(make(*point, random));
    }
  };
  const auto at_pleura = [](const LungPoint& p) { return std::exp(-p.depth_mm / 3); };
  add(
      0.3, 4, [&](const LungPoint& p) { return p.height < 0.2 ? at_pleura(p) : 0.0; }, Scar);
  add(
      0.3, 3, [](const LungPoint& p) { return p.height > 0.6 ? 1.0 : 0.0; }, Atelectasis);
  add(0.25, 12, at_pleura, Line);
  add(
      0.2, 2, [](const LungPoint&) { return 1.0; },
      [](const LungPoint& point, Random& r) {
        Lesion granuloma = Harmless(point.at, point.side);
        granuloma.rx_mm = granuloma.ry_mm = granuloma.rt_mm = r.Uniform(1.2, 2.6);
        granuloma.edge = 0.5;
        granuloma.ragged = 0.1;
        granuloma.glass = r.Uniform(4, 10);  // calcified: 150 to 380 HU
        return granuloma;
      });
  return findings;
}

std::vector<Motion> DrawMotions(const LungField& field, Random& random) {
  std::vector<Motion> motions;
  if (field.points().empty()) return motions;
  const LungBox& right = field.box(kRightLung);
  const LungBox& left = field.box(kLeftLung);
  const double tall = std::max(right.high.t, left.high.t) - std::min(right.low.t, left.low.t);
  if (random.Chance(0.45)) {  // the heart
    const double middle = (right.high.x + left.low.x) / 2;
    Motion heart;
    heart.centre = {middle + random.Uniform(-5, 25), (left.low.y + left.high.y) / 2 - 15,
                    left.low.t + random.Uniform(0.5, 0.75) * tall};
    heart.reach_mm = random.Uniform(55, 85);
    heart.reach_t_mm = random.Uniform(0.12, 0.25) * tall;
    heart.scale = random.Uniform(1.02, 1.07);
    heart.amount = random.Uniform(0.2, 0.5);
    motions.push_back(heart);
  }
  if (random.Chance(0.35)) {  // the diaphragm
    for (const LungBox* box : {&right, &left}) {
      Motion breath;
      breath.centre = {(box->low.x + box->high.x) / 2, (box->low.y + box->high.y) / 2,
                       box->low.t + random.Uniform(0.7, 0.95) * tall};
      breath.reach_mm = random.Uniform(50, 90);
      breath.reach_t_mm = random.Uniform(0.08, 0.2) * tall;
      breath.scale = random.Uniform(1.0, 1.06);
      breath.shift_mm = {random.Uniform(-1.5, 1.5), random.Uniform(-3, 3)};
      breath.amount = random.Uniform(0.2, 0.5);
      motions.push_back(breath);
    }
  }
  return motions;
}

void ApplyMotions(const std::vector<Motion>& motions, Canvas& canvas) {
  for (const Motion& motion : motions) {
    for (size_t slice = 0; slice < canvas.hu.size(); ++slice) {
      const double along = (canvas.t[slice] - motion.centre.t) / motion.reach_t_mm;
      if (std::abs(along) >= 1) continue;
      const double amount = motion.amount * SmoothStep(1.5 * (1 - std::abs(along)));
      cv::Mat& hu = canvas.hu[slice];
      const double column = motion.centre.x / canvas.pixel_mm + hu.cols / 2.0 - 0.5;
      const double row = motion.centre.y / canvas.pixel_mm + hu.rows / 2.0 - 0.5;
      const cv::Matx23d place(
          motion.scale, 0, (1 - motion.scale) * column + motion.shift_mm.x / canvas.pixel_mm, 0,
          motion.scale, (1 - motion.scale) * row + motion.shift_mm.y / canvas.pixel_mm);
      cv::Mat second;
      cv::warpAffine(hu, second, place, hu.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
      for (int i = 0; i < hu.rows; ++i) {
        float* out = hu.ptr<float>(i);
        const float* other = second.ptr<float>(i);
        const double dy = canvas.X(i) - motion.centre.y;
        for (int j = 0; j < hu.cols; ++j) {
          const double dx = canvas.X(j) - motion.centre.x;
          const double near = 1 - (dx * dx + dy * dy) / (motion.reach_mm * motion.reach_mm);
          if (near <= 0) continue;
          const auto w = static_cast<float>(amount * SmoothStep(2 * near));
          out[j] += w * (other[j] - out[j]);
        }
      }
    }
  }
}

}  // namespace m3lung
