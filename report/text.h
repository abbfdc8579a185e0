// SPDX-License-Identifier: Apache-2.0
// Text of figures: its style, its width, and how it is drawn as pixels.
#ifndef M3LUNG_REPORT_TEXT_H_
#define M3LUNG_REPORT_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "report/colour.h"

namespace m3lung {

struct TextStyle {
  double height = 20;  // of a capital letter
  Paint paint = StyleColour::kInk;
  bool bold = false;
};

// As DrawText() draws it, in the unit of the style's height. Browsers' fonts are
// narrower.
int TextWidth(absl::string_view text, const TextStyle& style);

// `left_base`: the left end of the base line. Characters outside ASCII become '?'.
void DrawText(cv::Mat& image, absl::string_view text, cv::Point left_base, const TextStyle& style);

// `text` broken at spaces into lines of at most `width`; words that are longer are
// cut.
std::vector<std::string> WrapText(absl::string_view text, int width, const TextStyle& style);

}  // namespace m3lung

#endif  // M3LUNG_REPORT_TEXT_H_
