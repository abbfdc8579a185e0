// SPDX-License-Identifier: Apache-2.0
// The shape of a synthetic chest as formulas over space.
//
// Coordinates in mm: x to the patient's left and y to the back, both from the
// middle of the field of view; t from the first slice towards the feet.
#ifndef M3LUNG_TRAINING_COHORT_ANATOMY_H_
#define M3LUNG_TRAINING_COHORT_ANATOMY_H_

#include <vector>

#include "base/random.h"
#include "opencv2/core/types.hpp"

namespace m3lung {

struct Point3 {
  double x = 0, y = 0, t = 0;
};

// An ellipse with its axes along x and y.
struct Ellipse {
  cv::Point2d centre;
  double rx = 0, ry = 0;

  // Below 1 inside, 1 on the outline; the square of a relative radius.
  double Level(double x, double y) const {
    const double dx = (x - centre.x) / rx, dy = (y - centre.y) / ry;
    return dx * dx + dy * dy;
  }
};

enum class Tissue { kOutsideChest, kSoft, kHeart, kLung, kBelowDiaphragm };

// Constant after construction.
class Anatomy {
 public:
  // `build` is the patient's, from 0 (slender) to 1 (stout).
  Anatomy(Random& random, double length_mm, double build);

  // 0 at the first slice, 1 at the last.
  double Level(double t) const { return t / length_mm_; }

  // Cross-sections at t. The muscle layer and the chest are empty (rx of 0) where
  // there is none.
  Ellipse Body(double t) const;
  Ellipse Muscle(double t) const;
  Ellipse Chest(double t) const;  // what the ribs enclose
  Ellipse Lung(double t, int side) const;
  Ellipse Heart(double t) const;

  // What lies at a point inside the chest; `side` is -1 for the patient's right
  // (smaller x) and 1 for the left.
  Tissue At(double x, double y, double t) const;

  // Level at which the lungs begin and end.
  double apex() const { return apex_; }
  double base() const { return base_; }
  double length_mm() const { return length_mm_; }

  // Centre of the airway's lumens at t, with the radius: the trachea, then the
  // two main bronchi; none further down.
  struct Tube {
    cv::Point2d centre;
    double radius = 0;
  };
  std::vector<Tube> Airways(double t) const;

  cv::Point2d Spine(double t) const;  // of the vertebral body
  cv::Point2d aorta() const { return {21, 33}; }
  Point3 Hilum(int side) const;

 private:
  double Dome(int side) const { return side < 0 ? right_dome_ : left_dome_; }

  double length_mm_;
  double width_, depth_;  // scale of the body
  double fat_mm_;
  double apex_, base_, right_dome_, left_dome_;
  double heart_;    // scale
  double lung_[2];  // scale of the right and of the left lung across
};

// Piecewise cubic between (level, value) pairs with rising levels, constant outside.
double Interpolate(const std::vector<cv::Point2d>& knots, double level);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_ANATOMY_H_
