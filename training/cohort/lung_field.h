// SPDX-License-Identifier: Apache-2.0
// Where in the lungs something can lie: the one placement of lesions for painted
// and for real chests, from nothing but their masks and densities.
#ifndef M3LUNG_TRAINING_COHORT_LUNG_FIELD_H_
#define M3LUNG_TRAINING_COHORT_LUNG_FIELD_H_

#include <array>
#include <functional>
#include <vector>

#include "base/random.h"
#include "training/cohort/anatomy.h"
#include "training/cohort/canvas.h"

namespace m3lung {

// A cubic element of lung of some millimetres, and what tells it apart.
struct LungPoint {
  Point3 at;
  int side = 0;         // of LungSide
  double depth_mm = 0;  // to the nearest element that is no lung
  Point3 inwards;       // unit vector, away from the nearest pleura
  double height = 0;    // 0 at the lung's apex, 1 at its lowest element
  double back = 0;      // 0 at the lung's most forward element, 1 at its hindmost
  double bundle = 0;    // 0 to 1: how much bronchovascular bundle is about
  double hilum_mm = 0;  // to the hilum of its side
};

// What bounds a lung.
struct LungBox {
  Point3 low, high;
  double Height(double t) const { return (t - low.t) / std::max(high.t - low.t, 1.0); }
};

// Constant after construction.
class LungField {
 public:
  explicit LungField(const Canvas& canvas);

  // Empty where the canvas shows no lung.
  const std::vector<LungPoint>& points() const { return points_; }
  // By LungSide.
  const LungBox& box(int side) const { return boxes_[side]; }
  const Point3& hilum(int side) const { return hila_[side]; }
  double VolumeMl() const;

 private:
  double element_ml_ = 0;
  std::vector<LungPoint> points_;
  std::array<LungBox, 3> boxes_;
  std::array<Point3, 3> hila_;
};

// Draws points of a field, each as often as its weight says.
// REQUIRES: the field outlives the sampler.
class PointSampler {
 public:
  PointSampler(const LungField& field, const std::function<double(const LungPoint&)>& weight);

  // Null where no point has a weight above zero.
  const LungPoint* Draw(Random& random) const;

 private:
  const LungField& field_;
  std::vector<double> sums_;  // of the weights up to each point
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_LUNG_FIELD_H_
