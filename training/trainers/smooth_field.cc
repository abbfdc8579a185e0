// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/smooth_field.h"

#include "opencv2/imgproc.hpp"

namespace m3lung {

cv::Mat1f SmoothField(cv::Size size, int grid, double deviation, Random& random) {
  cv::Mat1f points(grid, grid), field;
  for (float& point : points) point = static_cast<float>(random.Normal(0, deviation));
  cv::resize(points, field, size, 0, 0, cv::INTER_CUBIC);
  return field;
}

}  // namespace m3lung
