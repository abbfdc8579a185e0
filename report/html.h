// SPDX-License-Identifier: Apache-2.0
// Pieces of an HTML page. Whatever is given as text is escaped here; what is called
// HTML is not.
#ifndef M3LUNG_REPORT_HTML_H_
#define M3LUNG_REPORT_HTML_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace m3lung {

inline constexpr char kResearchUseOnly[] = "Research use only.";

// `text` as it may stand in an element or a quoted attribute: & < > " ' escaped,
// control characters replaced by spaces.
std::string EscapeHtml(absl::string_view text);

// A name and its value in a <dl>.
std::string Fact(absl::string_view name, absl::string_view value);

// A part of the page under its heading.
std::string Section(absl::string_view heading, absl::string_view html);

// What every page repeats: kResearchUseOnly and `text`.
std::string ResearchNotice(absl::string_view text);

// CSS for the pages of client and training: light or dark as the reader's system is, and on paper.
std::string ReportStyleSheet();

// A whole page that needs nothing beside it, in the style sheet and `own_style`.
std::string Page(absl::string_view title, absl::string_view own_style, absl::string_view html);

// Rows of text under their columns' names.
class Table {
 public:
  struct Column {
    std::string name;
    bool numbers = false;  // set to the right
  };

  explicit Table(std::vector<Column> columns);

  // As many cells as columns. `strong`: the first of them is.
  void Add(const std::vector<std::string>& cells, bool strong = false);

  std::string Html() const;

 private:
  const std::vector<Column> columns_;
  std::string rows_;
};

}  // namespace m3lung

#endif  // M3LUNG_REPORT_HTML_H_
