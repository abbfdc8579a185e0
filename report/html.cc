// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

std::string Cell(absl::string_view element, bool number, absl::string_view html) {
  return absl::StrCat("<", element, number ? " class=\"number\">" : ">", html, "</", element, ">");
}

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

std::string Section(absl::string_view heading, absl::string_view html) {
  return absl::StrCat("<section>\n<h2>", EscapeHtml(heading), "</h2>\n", html, "</section>\n");
}

std::string ResearchNotice(absl::string_view text) {
  return absl::StrCat("<p class=\"notice\" role=\"note\"><strong>", kResearchUseOnly, "</strong> ",
                      EscapeHtml(text), "</p>\n");
}

std::string Page(absl::string_view title, absl::string_view own_style, absl::string_view html) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      EscapeHtml(title), "</title>\n<style>", ReportStyleSheet(), own_style,
      "</style>\n</head>\n<body>\n<main>\n", html, "</main>\n</body>\n</html>\n");
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::Add(const std::vector<std::string>& cells, bool strong) {
  absl::StrAppend(&rows_, "<tr>");
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string html = EscapeHtml(cells[i]);
    absl::StrAppend(&rows_, Cell("td", columns_[i].numbers,
                                 strong && i == 0 ? Cell("strong", false, html) : html));
  }
  absl::StrAppend(&rows_, "</tr>\n");
}

std::string Table::Html() const {
  std::string html = "<div class=\"wide\"><table>\n<tr>";
  for (const Column& column : columns_) {
    absl::StrAppend(&html, Cell("th", column.numbers, EscapeHtml(column.name)));
  }
  return absl::StrCat(html, "</tr>\n", rows_, "</table></div>\n");
}

}  // namespace m3lung
