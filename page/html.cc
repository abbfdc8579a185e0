// SPDX-License-Identifier: Apache-2.0
#include "page/html.h"

#include <cstdint>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "opencv2/imgcodecs.hpp"

namespace m3lung {
namespace {

// Artefacts cannot be seen at this quality, and a page of 200 slices stays small.
constexpr int kJpegQuality = 90;

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  std::string html;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
  }
  return html;
}

std::string Fact(absl::string_view name, absl::string_view value) {
  return absl::StrCat("<dt>", EscapeHtml(name), "</dt><dd>", EscapeHtml(value), "</dd>\n");
}

std::string EmbeddedImage(const cv::Mat& picture, absl::string_view alternative) {
  std::vector<uint8_t> bytes;
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, kJpegQuality});
  return absl::StrCat("<img width=\"", picture.cols, "\" height=\"", picture.rows,
                      "\" loading=\"lazy\" alt=\"", EscapeHtml(alternative),
                      "\" src=\"data:image/jpeg;base64,",
                      absl::Base64Escape(absl::string_view(
                          reinterpret_cast<const char*>(bytes.data()), bytes.size())),
                      "\">");
}

}  // namespace m3lung
