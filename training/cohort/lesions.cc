// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lesions.h"

#include <algorithm>
#include <cmath>

namespace m3lung {

double Gravity(double severity) { return 1 + 1.75 * std::max(0.0, severity - 0.6); }

void Scale(double factor, Lesion& lesion) {
  lesion.rx_mm *= factor;
  lesion.ry_mm *= factor;
  lesion.rt_mm *= factor;
}

Lesion LesionAt(const LungPoint& point) {
  Lesion lesion;
  lesion.centre = point.at;
  lesion.side = point.side;
  lesion.angle = std::atan2(point.inwards.y, point.inwards.x);  // rx away from the pleura
  return lesion;
}

std::vector<Lesion> MakeLesions(Label label, double severity, const LungField& field,
                                Random& random) {
  if (field.points().empty()) return {};
  switch (label) {
    case Label::kHealthy:
      return {};
    case Label::kCovid19:
      return Covid19Lesions(severity, field, random);
    case Label::kH1n1:
      return H1n1Lesions(severity, field, random);
    case Label::kCap:
      return CapLesions(severity, field, random);
  }
  return {};
}

}  // namespace m3lung
