#include "training/cohort/lesions.h"

#include <cmath>

namespace m3lung {

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
