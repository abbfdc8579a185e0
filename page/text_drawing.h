// SPDX-License-Identifier: Apache-2.0
// Text on OpenCV images.
#ifndef M3LUNG_PAGE_TEXT_DRAWING_H_
#define M3LUNG_PAGE_TEXT_DRAWING_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

struct TextStyle {
  double height = 20;  // of a capital letter, in pixels
  cv::Scalar colour = cv::Scalar::all(0);
  bool bold = false;
};

// In pixels.
int TextWidth(absl::string_view text, const TextStyle& style);

// `left_base`: the left end of the base line. Characters outside ASCII become '?'.
void DrawText(cv::Mat& image, absl::string_view text, cv::Point left_base, const TextStyle& style);

enum class Corner { kTopLeft, kTopRight, kBottomLeft, kMiddleLeft, kMiddleRight };

// Text on a dark plate in a corner of `image`, or half way down one side.
void DrawPlate(cv::Mat& image, absl::string_view text, Corner corner, const TextStyle& style);

// `text` broken at spaces into lines of at most `width` pixels.
std::vector<std::string> WrapText(absl::string_view text, int width, const TextStyle& style);

}  // namespace m3lung

#endif  // M3LUNG_PAGE_TEXT_DRAWING_H_
