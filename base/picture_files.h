// SPDX-License-Identifier: Apache-2.0
// Pictures as files: PNG without loss, JPEG for pages.
#ifndef M3LUNG_BASE_PICTURE_FILES_H_
#define M3LUNG_BASE_PICTURE_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// `picture`: CV_8UC1, or CV_8UC3 in the order BGR, not empty; INTERNAL otherwise.
absl::StatusOr<std::string> EncodePng(const cv::Mat& picture);

// `picture`: CV_8UC3 in the order BGR, not empty. `quality`: 1 to 100. Empty where it
// cannot be encoded.
std::string EncodeJpeg(const cv::Mat& picture, int quality);

// A PNG file of any kind as CV_8UC1: colours become their brightness, transparency is
// left out. INVALID_ARGUMENT for what is no PNG file, and for one whose size is not
// `size`: no more than that is ever decoded.
absl::StatusOr<cv::Mat> DecodeGreyPng(absl::string_view bytes, cv::Size size);

}  // namespace m3lung

#endif  // M3LUNG_BASE_PICTURE_FILES_H_
