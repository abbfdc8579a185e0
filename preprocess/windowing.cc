// SPDX-License-Identifier: Apache-2.0
#include "preprocess/windowing.h"

namespace m3lung {

cv::Mat ApplyWindow(const cv::Mat& hu, float centre_hu, float width_hu) {
  // 0 at the window's lower end and 255 at its upper one; convertTo saturates.
  const double scale = 255.0 / width_hu;
  const double lower_hu = centre_hu - width_hu / 2.0;
  cv::Mat grey;
  hu.convertTo(grey, CV_8U, scale, -lower_hu * scale);
  return grey;
}

}  // namespace m3lung
