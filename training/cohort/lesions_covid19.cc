// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/lesions.h"

namespace m3lung {
namespace {

// A patch of ground glass, from 8 mm to a hand's breadth.
Lesion Patch(const LungPoint& point, double severity, Random& random) {
  Lesion lesion = LesionAt(point);
  // Most are small, whatever the severity.
  const double size = std::pow(random.Uniform(0, 1), 1.6);
  lesion.rx_mm = 4.5 + size * (10 + 22 * severity) + random.Uniform(0, 3);
  lesion.ry_mm = lesion.rx_mm * random.Uniform(0.9, 2.0);
  lesion.rt_mm = std::sqrt(lesion.rx_mm * lesion.ry_mm) * random.Uniform(0.7, 1.5);
  lesion.angle += random.Normal(0, 0.25);
  lesion.edge = random.Uniform(0.35, 0.95);
  lesion.ragged = random.Uniform(0.3, 0.7);
  lesion.grain_mm = std::clamp(random.Uniform(0.35, 0.8) * lesion.rx_mm, 4.0, 14.0);
  lesion.glass = random.Uniform(0.2, 0.58);
  lesion.texture = random.Uniform(0.2, 0.6);
  return lesion;
}

// Along the pleura: a band some centimetres long and as deep as a finger.
Lesion Band(const LungPoint& point, double severity, Random& random) {
  Lesion lesion = Patch(point, severity, random);
  lesion.band_mm = random.Uniform(7, 16);
  lesion.rx_mm = random.Uniform(18, 30);
  lesion.ry_mm = random.Uniform(20, 32 + 30 * severity);
  lesion.rt_mm = random.Uniform(12, 22 + 25 * severity);
  lesion.ragged = random.Uniform(0.35, 0.6);
  return lesion;
}

}  // namespace

std::vector<Lesion> Covid19Lesions(double severity, const LungField& field, Random& random) {
  // How strongly they gather at the pleura, the base and the back differs by patient.
  const double peripheral = random.Uniform(3.5, 8), low = random.Uniform(0.6, 3),
               behind = random.Uniform(0.3, 2.2);
  const bool one_sided = severity < 0.12 && random.Chance(0.4);
  const int only = random.Chance(0.5) ? kRightLung : kLeftLung;
  const auto weight_of_side = [&](int side) {
    return PointSampler(field, [&, side](const LungPoint& p) {
      if (side != kNoLung && p.side != side) return 0.0;
      return std::exp(-p.depth_mm / peripheral + low * p.height + behind * p.back);
    });
  };
  const PointSampler right = weight_of_side(kRightLung), left = weight_of_side(kLeftLung);
  // A habit of the disease's stage: early glass, later paving, then consolidation.
  const double paving = random.Uniform(0, 0.8), solid = random.Uniform(0, 0.9);
  const int count = 1 + static_cast<int>(std::lround(1 + 20 * severity * random.Uniform(0.6, 1.3)));

  std::vector<Lesion> lesions;
  for (int i = 0; i < count; ++i) {
    const bool is_right = one_sided ? only == kRightLung : (i + only) % 2 == 0;
    const LungPoint* point = (is_right ? right : left).Draw(random);
    if (point == nullptr) continue;
    Lesion lesion = random.Chance(0.12 + 0.3 * severity) ? Band(*point, severity, random)
                                                         : Patch(*point, severity, random);
    Scale(Gravity(severity), lesion);
    if (random.Chance(paving)) {
      lesion.septa = random.Uniform(0.1, 0.4);
      lesion.mesh_mm = random.Uniform(2.6, 6.5);
    }
    if (random.Chance(solid)) {
      lesion.core = random.Uniform(0.25, 0.75);
      lesion.core_fill = random.Uniform(std::min(0.9, lesion.glass + 0.15), 1.0);
    }
    if (random.Chance(0.3)) lesion.patchy = random.Uniform(0.2, 0.5);
    if (random.Chance(0.2)) lesion.rim_mm = random.Uniform(2, 5);
    lesions.push_back(lesion);
    // A dense part of its own, out of the patch's middle.
    if (random.Chance(0.35 * solid)) {
      Lesion dense = lesion;
      dense.centre.y += random.Normal(0, 0.3 * lesion.rx_mm);
      dense.centre.x += random.Normal(0, 0.3 * lesion.rx_mm);
      Scale(random.Uniform(0.25, 0.5), dense);
      dense.glass = random.Uniform(0.5, 0.9);
      dense.edge = random.Uniform(0.4, 0.7);
      dense.grain_mm = 5;
      dense.core = 0;
      lesions.push_back(dense);
    }
  }
  return lesions;
}

}  // namespace m3lung
