#include "training/trainers/scalars.h"

#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace m3lung {

absl::Status WriteScalars(const std::filesystem::path& csv, const nlohmann::ordered_json& rows) {
  std::string text;
  for (const auto& row : rows) {
    if (text.empty()) {
      for (const auto& [name, value] : row.items()) {
        absl::StrAppend(&text, text.empty() ? "" : ",", name);
      }
      text += "\n";
    }
    bool first = true;
    for (const auto& [name, value] : row.items()) {
      absl::StrAppend(&text, first ? "" : ",", value.is_null() ? std::string() : value.dump());
      first = false;
    }
    text += "\n";
  }
  return WriteFile(csv, text);
}

}  // namespace m3lung
