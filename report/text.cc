// SPDX-License-Identifier: Apache-2.0
#include "report/text.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opencv2/imgproc.hpp"

namespace m3lung {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

int ThicknessOf(const TextStyle& style) {
  return std::max(1, static_cast<int>(std::lround(style.height / (style.bold ? 10 : 13))));
}

double ScaleOf(const TextStyle& style) {
  return cv::getFontScaleFromHeight(kFont, static_cast<int>(style.height), ThicknessOf(style));
}

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

std::string Ascii(absl::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (StartsCharacter(c)) ascii += byte >= 0x20 && byte < 0x7f ? c : '?';
  }
  return ascii;
}

// Bytes of the longest beginning of `word` that is not wider than `width`, at
// least one character.
size_t FittingBytes(absl::string_view word, int width, const TextStyle& style) {
  size_t fitting = 0;
  for (size_t end = 1; end <= word.size(); ++end) {
    if (end < word.size() && !StartsCharacter(word[end])) continue;
    if (fitting > 0 && TextWidth(word.substr(0, end), style) > width) break;
    fitting = end;
  }
  return fitting;
}

}  // namespace

int TextWidth(absl::string_view text, const TextStyle& style) {
  int baseline = 0;
  return cv::getTextSize(Ascii(text), kFont, ScaleOf(style), ThicknessOf(style), &baseline).width;
}

void DrawText(cv::Mat& image, absl::string_view text, cv::Point left_base, const TextStyle& style) {
  cv::putText(image, Ascii(text), left_base, kFont, ScaleOf(style),
              PrintedColour(style.paint).Bgr(), ThicknessOf(style), cv::LINE_AA);
}

std::vector<std::string> WrapText(absl::string_view text, int width, const TextStyle& style) {
  std::vector<std::string> lines;
  std::string line;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    std::string longer = line.empty() ? std::string(word) : absl::StrCat(line, " ", word);
    if (!line.empty() && TextWidth(longer, style) > width) {
      lines.push_back(line);
      longer = std::string(word);
    }
    line = std::move(longer);
    for (size_t bytes; (bytes = FittingBytes(line, width, style)) < line.size();) {
      lines.push_back(line.substr(0, bytes));
      line.erase(0, bytes);
    }
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace m3lung
