// SPDX-License-Identifier: Apache-2.0
// How the pages of reports look.
#ifndef M3LUNG_REPORT_STYLE_SHEET_H_
#define M3LUNG_REPORT_STYLE_SHEET_H_

#include <string>

namespace m3lung {

// CSS for the pages of client and training: light or dark as the reader's system is, and on paper.
std::string ReportStyleSheet();

}  // namespace m3lung

#endif  // M3LUNG_REPORT_STYLE_SHEET_H_
