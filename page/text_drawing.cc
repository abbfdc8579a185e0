// SPDX-License-Identifier: Apache-2.0
#include "page/text_drawing.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opencv2/imgproc.hpp"

namespace m3lung {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr int kPadding = 7;    // of a plate, in pixels
constexpr double kDim = 0.25;  // what shines through a plate

int ThicknessOf(const TextStyle& style) {
  return std::max(1, static_cast<int>(std::lround(style.height / (style.bold ? 10 : 13))));
}

double ScaleOf(const TextStyle& style) {
  return cv::getFontScaleFromHeight(kFont, static_cast<int>(style.height), ThicknessOf(style));
}

std::string Ascii(absl::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) == 0x80U) continue;  // one '?' a character of UTF-8
    ascii += byte >= 0x20 && byte < 0x7f ? c : '?';
  }
  return ascii;
}

}  // namespace

int TextWidth(absl::string_view text, const TextStyle& style) {
  int baseline = 0;
  return cv::getTextSize(Ascii(text), kFont, ScaleOf(style), ThicknessOf(style), &baseline).width;
}

void DrawText(cv::Mat& image, absl::string_view text, cv::Point left_base, const TextStyle& style) {
  cv::putText(image, Ascii(text), left_base, kFont, ScaleOf(style), style.colour,
              ThicknessOf(style), cv::LINE_AA);
}

void DrawPlate(cv::Mat& image, absl::string_view text, Corner corner, const TextStyle& style) {
  const int width = TextWidth(text, style) + 2 * kPadding;
  const int height = static_cast<int>(style.height) + 2 * kPadding;
  const bool right = corner == Corner::kTopRight || corner == Corner::kMiddleRight;
  const bool middle = corner == Corner::kMiddleLeft || corner == Corner::kMiddleRight;
  const int x = right ? image.cols - width : 0;
  const int y = corner == Corner::kBottomLeft ? image.rows - height
                : middle                      ? (image.rows - height) / 2
                                              : 0;
  const cv::Rect plate = cv::Rect(x, y, width, height) & cv::Rect({0, 0}, image.size());
  cv::Mat under = image(plate);
  under.convertTo(under, -1, kDim);
  DrawText(image, text, {x + kPadding, y + height - kPadding}, style);
}

std::vector<std::string> WrapText(absl::string_view text, int width, const TextStyle& style) {
  std::vector<std::string> lines;
  std::string line;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::string longer = line.empty() ? std::string(word) : absl::StrCat(line, " ", word);
    if (!line.empty() && TextWidth(longer, style) > width) {
      lines.push_back(line);
      line = std::string(word);
    } else {
      line = longer;
    }
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace m3lung
