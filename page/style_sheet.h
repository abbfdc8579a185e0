// SPDX-License-Identifier: Apache-2.0
// How the report's page looks.
#ifndef M3LUNG_PAGE_STYLE_SHEET_H_
#define M3LUNG_PAGE_STYLE_SHEET_H_

#include "absl/strings/string_view.h"

namespace m3lung {

// CSS for the pages of client and training: light or dark as the reader's system is, and on paper.
absl::string_view ReportStyleSheet();

}  // namespace m3lung

#endif  // M3LUNG_PAGE_STYLE_SHEET_H_
