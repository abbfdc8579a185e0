// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/lesions.h"

namespace m3lung {
namespace {

// Around a bundle, drawn out along it: away from the hilum.
Lesion AlongBundle(const LungPoint& point, const Point3& hilum, double severity, Random& random) {
  Lesion lesion = LesionAt(point);
  const double x = point.at.x - hilum.x, y = point.at.y - hilum.y, t = point.at.t - hilum.t;
  const double level = std::max(std::hypot(x, y), 1.0);
  lesion.angle = std::atan2(y, x) + random.Normal(0, 0.3);
  lesion.tilt = std::clamp(t / level, -1.2, 1.2);
  lesion.ry_mm = 5 + random.Uniform(0, 1) * (7 + 12 * severity);
  lesion.rx_mm = lesion.ry_mm * random.Uniform(1.1, 2.6);
  lesion.rt_mm = lesion.ry_mm * random.Uniform(0.8, 1.5);
  lesion.edge = random.Uniform(0.35, 0.8);
  lesion.ragged = random.Uniform(0.45, 0.8);
  lesion.grain_mm = std::clamp(random.Uniform(0.4, 0.8) * lesion.ry_mm, 3.5, 11.0);
  lesion.glass = random.Uniform(0.25, 0.55);
  lesion.core = random.Uniform(0.3, 0.7);
  lesion.core_fill = random.Uniform(0.7, 1.02);
  lesion.texture = random.Uniform(0.2, 0.45);
  return lesion;
}

Lesion Nodule(const Point3& at, int side, Random& random) {
  Lesion lesion;
  lesion.centre = at;
  lesion.side = side;
  lesion.rx_mm = random.Uniform(2, 4.6);
  lesion.ry_mm = lesion.rx_mm * random.Uniform(0.8, 1.25);
  lesion.rt_mm = lesion.rx_mm * random.Uniform(0.9, 1.3);
  lesion.angle = random.Uniform(0, M_PI);
  lesion.edge = random.Uniform(0.45, 0.9);
  lesion.ragged = random.Uniform(0.1, 0.4);
  lesion.grain_mm = 3.5;
  lesion.glass = random.Uniform(0.35, 1.0);
  lesion.texture = 0.1;
  return lesion;
}

}  // namespace

std::vector<Lesion> H1n1Lesions(double severity, const LungField& field, Random& random) {
  const double central = random.Uniform(25, 55);  // mm from the hilum
  const auto sampler = [&](int side, double near_mm, double bundle_power) {
    return PointSampler(field, [&, side, near_mm, bundle_power](const LungPoint& p) {
      if (p.side != side || p.depth_mm < 7) return 0.0;
      return std::pow(p.bundle, bundle_power) * std::exp(-p.hilum_mm / near_mm);
    });
  };
  const PointSampler bundles[] = {sampler(kRightLung, central, 1.3),
                                  sampler(kLeftLung, central, 1.3)};
  const PointSampler twigs[] = {sampler(kRightLung, 2.2 * central, 0.7),
                                sampler(kLeftLung, 2.2 * central, 0.7)};
  const double glassy = random.Uniform(0, 0.6);  // share of haze around bundles

  std::vector<Lesion> lesions;
  const int count = 2 + static_cast<int>(std::lround(13 * severity * random.Uniform(0.6, 1.3)));
  for (int i = 0; i < count; ++i) {
    const int lung = i % 2;
    const LungPoint* point = bundles[lung].Draw(random);
    if (point == nullptr) continue;
    Lesion dense = AlongBundle(*point, field.hilum(point->side), severity, random);
    Scale(Gravity(severity), dense);
    lesions.push_back(dense);
    if (random.Chance(glassy)) {
      Lesion haze = dense;
      Scale(random.Uniform(1.3, 2.0), haze);
      haze.glass = random.Uniform(0.15, 0.4);
      haze.core = 0;
      haze.edge = 0.8;
      haze.patchy = random.Chance(0.5) ? random.Uniform(0.2, 0.45) : 0;
      lesions.push_back(haze);
    }
  }
  // Centrilobular nodules in clusters, each at the end of a bundle.
  const int clusters =
      3 + static_cast<int>(std::lround((4 + 12 * severity) * random.Uniform(0.6, 1.4)));
  for (int i = 0; i < clusters; ++i) {
    const LungPoint* middle = twigs[i % 2].Draw(random);
    if (middle == nullptr) continue;
    const int nodules = 4 + random.Index(9);
    const double spread = random.Uniform(6, 15);
    for (int k = 0; k < nodules; ++k) {
      const Point3 at = {middle->at.x + random.Normal(0, spread),
                         middle->at.y + random.Normal(0, spread),
                         middle->at.t + random.Normal(0, spread)};
      lesions.push_back(Nodule(at, middle->side, random));
    }
  }
  return lesions;
}

}  // namespace m3lung
