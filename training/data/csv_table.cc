// SPDX-License-Identifier: Apache-2.0
#include "training/data/csv_table.h"

#include <csv.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace m3lung {
namespace {

struct RawRow {
  int line = 0;
  std::vector<std::string> fields;
};

// What libcsv calls back with.
struct Reading {
  int line = 0;
  RawRow row;
  std::vector<RawRow> rows;
};

void EndField(void* text, size_t size, void* reading) {
  static_cast<Reading*>(reading)->row.fields.emplace_back(static_cast<const char*>(text), size);
}

void EndRow(int /*separator*/, void* pointer) {
  auto* reading = static_cast<Reading*>(pointer);
  reading->row.line = reading->line;
  reading->rows.push_back(std::exchange(reading->row, {}));
}

absl::Status AtLine(int line, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", message));
}

absl::StatusOr<std::vector<RawRow>> ReadRows(absl::string_view text) {
  csv_parser parser;
  if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
    return absl::InternalError("cannot start reading CSV");
  }
  const auto free = absl::MakeCleanup([&parser] { csv_free(&parser); });
  Reading reading;
  // Line by line, so that each row's line is known.
  while (!text.empty()) {
    ++reading.line;
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (csv_parse(&parser, text.data(), end, EndField, EndRow, &reading) != end) {
      return AtLine(reading.line, csv_strerror(csv_error(&parser)));
    }
    text.remove_prefix(end);
  }
  if (csv_fini(&parser, EndField, EndRow, &reading) != 0) {
    return AtLine(reading.line, "a quoted field does not end");
  }
  return std::move(reading.rows);
}

}  // namespace

const std::string& CsvRow::at(const std::string& column) const {
  static const auto* const none = new std::string;
  const auto found = fields.find(column);
  return found == fields.end() ? *none : found->second;
}

absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text,
                                             const std::vector<std::string>& required,
                                             const std::vector<std::string>& optional) {
  if (absl::StartsWith(text, "\xef\xbb\xbf")) text.remove_prefix(3);  // spreadsheets write it
  absl::StatusOr<std::vector<RawRow>> raw = ReadRows(text);
  if (!raw.ok()) return raw.status();
  if (raw->empty()) {
    return AtLine(1, absl::StrCat("must name the columns: ", absl::StrJoin(required, ",")));
  }
  const RawRow& header = raw->front();
  for (const std::string& column : required) {
    if (std::count(header.fields.begin(), header.fields.end(), column) == 0) {
      return AtLine(header.line, absl::StrCat("there is no column \"", column, "\"; needed are ",
                                              absl::StrJoin(required, ", ")));
    }
  }
  for (const std::string& column : header.fields) {
    if (std::count(header.fields.begin(), header.fields.end(), column) > 1) {
      return AtLine(header.line, absl::StrCat("column \"", column, "\" is there twice"));
    }
    if (std::count(required.begin(), required.end(), column) == 0 &&
        std::count(optional.begin(), optional.end(), column) == 0) {
      return AtLine(
          header.line,
          absl::StrCat("unknown column \"", column, "\"; known are ", absl::StrJoin(required, ", "),
                       optional.empty() ? "" : ", ", absl::StrJoin(optional, ", ")));
    }
  }
  std::vector<CsvRow> rows;
  for (size_t i = 1; i < raw->size(); ++i) {
    RawRow& row = (*raw)[i];
    if (row.fields.size() != header.fields.size()) {
      return AtLine(row.line, absl::StrCat("has ", row.fields.size(), " fields; the header has ",
                                           header.fields.size()));
    }
    CsvRow& named = rows.emplace_back();
    named.line = row.line;
    for (size_t k = 0; k < row.fields.size(); ++k) {
      named.fields[header.fields[k]] = std::move(row.fields[k]);
    }
  }
  return rows;
}

std::string QuoteCsv(absl::string_view field) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos &&
      field == absl::StripAsciiWhitespace(field)) {
    return std::string(field);
  }
  std::string quoted(csv_write(nullptr, 0, field.data(), field.size()), '\0');
  csv_write(quoted.data(), quoted.size(), field.data(), field.size());
  return quoted;
}

}  // namespace m3lung
