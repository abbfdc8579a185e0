// SPDX-License-Identifier: Apache-2.0
// Pieces of an HTML page.
#ifndef M3LUNG_PAGE_HTML_H_
#define M3LUNG_PAGE_HTML_H_

#include <string>

#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// `text` as it may stand in an element or a quoted attribute: & < > " ' escaped,
// control characters replaced by spaces.
std::string EscapeHtml(absl::string_view text);

// A name and its value in a <dl>; both are escaped here.
std::string Fact(absl::string_view name, absl::string_view value);

// An <img> that carries `picture` (CV_8UC3) itself, as JPEG. `alternative` is
// escaped here.
std::string EmbeddedImage(const cv::Mat& picture, absl::string_view alternative);

}  // namespace m3lung

#endif  // M3LUNG_PAGE_HTML_H_
