// SPDX-License-Identifier: Apache-2.0
// A chest in the making: what lesions are laid into, whether it was painted
// (slice_painter.h) or comes from a scanner (background.h).
#ifndef M3LUNG_TRAINING_COHORT_CANVAS_H_
#define M3LUNG_TRAINING_COHORT_CANVAS_H_

#include <cmath>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "training/cohort/anatomy.h"

namespace m3lung {

// Entry i of each vector belongs to slice i, from head to feet. Places are in the
// coordinates of Anatomy: mm from the middle of the image, t towards the feet.
struct Canvas {
  std::vector<cv::Mat> hu;     // square, CV_32FC1, Hounsfield units
  std::vector<cv::Mat> sides;  // likewise, CV_8UC1 of LungSide (preprocess/lungs)
  std::vector<double> t;       // middle of each slice, rising
  double thickness_mm = 1;     // of each slice
  double pixel_mm = 1;

  double X(int column) const { return (column + 0.5) * pixel_mm - HalfMm(); }
  // The column (or row) that x (or y) lies in; may be outside the image.
  int Column(double x) const { return static_cast<int>(std::floor((x + HalfMm()) / pixel_mm)); }

 private:
  double HalfMm() const { return hu.empty() ? 0 : hu.front().cols * pixel_mm / 2; }
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_CANVAS_H_
