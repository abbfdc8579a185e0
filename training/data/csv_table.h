// SPDX-License-Identifier: Apache-2.0
// A table in a CSV file with a header, its rows by column name.
#ifndef M3LUNG_TRAINING_DATA_CSV_TABLE_H_
#define M3LUNG_TRAINING_DATA_CSV_TABLE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

struct CsvRow {
  int line = 0;  // on which the row ends, from 1
  std::map<std::string, std::string> fields;

  // Empty where the table has no such column.
  const std::string& at(const std::string& column) const;
};

// Reads RFC 4180 text: quoted fields, any line end, empty lines left out. The first
// row names the columns: each of `required`, and any of `optional`.
// INVALID_ARGUMENT names the line and what is wrong with it: a column that is
// missing or unknown, a row with too few or too many fields.
absl::StatusOr<std::vector<CsvRow>> ParseCsv(absl::string_view text,
                                             const std::vector<std::string>& required,
                                             const std::vector<std::string>& optional);

// One field as it may stand in a CSV file.
std::string QuoteCsv(absl::string_view field);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_CSV_TABLE_H_
