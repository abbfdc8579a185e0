// SPDX-License-Identifier: Apache-2.0
// The grey-level windows that a slice is looked at through.
#ifndef M3LUNG_PREPROCESS_WINDOWING_H_
#define M3LUNG_PREPROCESS_WINDOWING_H_

#include <array>

#include "opencv2/core/mat.hpp"

namespace m3lung {

// Source: the paper, sections III-A and IV-A. The networks cut these windows
// themselves, on the device (model/networks/slice_net.h).
inline constexpr std::array<float, 3> kWindowCentresHu = {-700, -600, -500};
inline constexpr float kWindowWidthHu = 1200;

// `hu` (CV_16SC1) seen through one window as 8 bits of grey (CV_8UC1): 0 at
// centre - width/2 and below, 255 at centre + width/2 and above.
cv::Mat ApplyWindow(const cv::Mat& hu, float centre_hu, float width_hu);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_WINDOWING_H_
