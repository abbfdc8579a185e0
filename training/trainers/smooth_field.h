// SPDX-License-Identifier: Apache-2.0
// Random fields that change slowly from place to place.
#ifndef M3LUNG_TRAINING_TRAINERS_SMOOTH_FIELD_H_
#define M3LUNG_TRAINING_TRAINERS_SMOOTH_FIELD_H_

#include "base/random.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// Of mean 0 and about the deviation; `grid` points along each side are drawn, and what lies between
// them is interpolated.
cv::Mat1f SmoothField(cv::Size size, int grid, double deviation, Random& random);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SMOOTH_FIELD_H_
