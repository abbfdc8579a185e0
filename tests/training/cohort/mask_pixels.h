// SPDX-License-Identifier: Apache-2.0
#ifndef M3LUNG_TESTS_TRAINING_COHORT_MASK_PIXELS_H_
#define M3LUNG_TESTS_TRAINING_COHORT_MASK_PIXELS_H_

#include <vector>

#include "opencv2/core.hpp"

namespace m3lung::testing {

// How many pixels are set in all masks of a study.
inline int Pixels(const std::vector<cv::Mat>& masks) {
  int count = 0;
  for (const cv::Mat& mask : masks) count += cv::countNonZero(mask);
  return count;
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TRAINING_COHORT_MASK_PIXELS_H_
