// SPDX-License-Identifier: Apache-2.0
#include "training/data/dataset.h"

#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "training/data/csv_table.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kDicomEnding = ".dcm";

constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

absl::Status At(const fs::path& csv, int line, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(csv.string(), ", line ", line, ": ", message));
}

absl::StatusOr<std::vector<CsvRow>> ReadTable(const fs::path& csv,
                                              const std::vector<std::string>& required,
                                              const std::vector<std::string>& optional) {
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(csv));
  absl::StatusOr<std::vector<CsvRow>> rows = ParseCsv(text, required, optional);
  if (rows.ok()) return rows;
  return absl::InvalidArgumentError(absl::StrCat(csv.string(), ", ", rows.status().message()));
}

bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// Whether what is made of a study can lie under another folder by the same name, and nowhere else.
bool StaysWithin(const fs::path& name) {
  const fs::path tidy = name.lexically_normal();
  return name.is_relative() && !tidy.empty() && *tidy.begin() != ".." && *tidy.begin() != ".";
}

absl::StatusOr<DatasetStudy> ReadStudy(const CsvRow& row, const fs::path& csv) {
  const fs::path here = csv.parent_path();
  DatasetStudy study;
  study.name = row.at("study");
  if (!StaysWithin(study.name)) {
    return At(csv, row.line,
              absl::StrCat("column study: must name a folder beneath that of the CSV file, "
                           "relative to it; was \"",
                           study.name, "\" (a symbolic link may lead elsewhere)"));
  }
  study.folder = here / study.name;
  if (!IsFolder(study.folder)) {
    return At(csv, row.line, absl::StrCat("column study: no such folder: ", study.folder.string()));
  }
  const absl::StatusOr<Label> label = ParseLabel(row.at("label"));
  if (!label.ok()) return At(csv, row.line, label.status().message());
  study.label = *label;
  const absl::StatusOr<Split> split = ParseSplit(row.at("split"));
  if (!split.ok()) return At(csv, row.line, split.status().message());
  study.split = *split;
  study.patient = row.at("patient").empty() ? study.name : row.at("patient");
  if (!row.at("slice_labels").empty()) {
    study.slice_labels = here / row.at("slice_labels");
    std::error_code ignored;
    if (!fs::is_regular_file(study.slice_labels, ignored)) {
      return At(csv, row.line,
                absl::StrCat("column slice_labels: no such file: ", study.slice_labels.string()));
    }
  }
  if (!row.at("truth").empty()) {
    study.truth = here / row.at("truth");
    if (!IsFolder(study.truth)) {
      return At(csv, row.line,
                absl::StrCat("column truth: no such folder: ", study.truth.string()));
    }
  }
  const absl::StatusOr<std::optional<Lungs>> lungs = ParseLungs(row.at("lungs"));
  if (!lungs.ok()) return At(csv, row.line, absl::StrCat("column ", lungs.status().message()));
  study.lungs = *lungs;
  return study;
}

}  // namespace

absl::string_view SplitName(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValidation:
      return "validation";
    case Split::kTest:
      return "test";
  }
  return "unknown";
}

absl::StatusOr<Split> ParseSplit(absl::string_view name) {
  for (const Split split : kSplits) {
    if (name == SplitName(split)) return split;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a split must be train, validation or test; was \"", name, "\""));
}

std::string MaskName(const std::string& file) {
  const bool has_ending = absl::EndsWithIgnoreCase(file, kDicomEnding);
  const size_t size = has_ending ? file.size() - kDicomEnding.size() : file.size();
  return absl::StrCat(absl::string_view(file).substr(0, size), ".png");
}

absl::StatusOr<std::vector<DatasetStudy>> ReadDataset(const fs::path& csv) {
  M3L_ASSIGN_OR_RETURN(
      const std::vector<CsvRow> rows,
      ReadTable(csv, {"study", "label", "split"}, {"patient", "slice_labels", "truth", "lungs"}));
  std::vector<DatasetStudy> studies;
  std::map<std::string, int> line_of_study;
  std::map<std::string, std::pair<Split, int>> split_of_patient;
  for (const CsvRow& row : rows) {
    M3L_ASSIGN_OR_RETURN(DatasetStudy study, ReadStudy(row, csv));
    const auto [listed, is_new] = line_of_study.emplace(study.name, row.line);
    if (!is_new) {
      return At(
          csv, row.line,
          absl::StrCat("study ", study.name, " is listed on line ", listed->second, " already"));
    }
    const auto [known, is_first] =
        split_of_patient.emplace(study.patient, std::pair(study.split, row.line));
    if (known->second.first != study.split) {
      return At(
          csv, row.line,
          absl::StrCat("patient ", study.patient, " is in split ", SplitName(study.split),
                       " here and in ", SplitName(known->second.first), " on line ",
                       known->second.second, "; all studies of a patient must be in one split"));
    }
    studies.push_back(std::move(study));
  }
  if (studies.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(csv.string(), " lists no study"));
  }
  return studies;
}

absl::Status WriteDataset(const fs::path& csv, const std::vector<DatasetStudy>& studies) {
  const fs::path here = csv.parent_path();
  const auto relative = [&](const fs::path& path) {
    return path.empty() ? std::string() : path.lexically_relative(here).string();
  };
  std::string text = "study,label,split,patient,slice_labels,truth,lungs\n";
  for (const DatasetStudy& study : studies) {
    absl::StrAppend(&text, QuoteCsv(relative(study.folder)), ",", LabelName(study.label), ",",
                    SplitName(study.split), ",", QuoteCsv(study.patient), ",",
                    QuoteCsv(relative(study.slice_labels)), ",", QuoteCsv(relative(study.truth)),
                    ",", LungsName(study.lungs), "\n");
  }
  return WriteFile(csv, text);
}

absl::StatusOr<std::map<std::string, bool>> ReadSliceLabels(const fs::path& csv) {
  M3L_ASSIGN_OR_RETURN(const std::vector<CsvRow> rows, ReadTable(csv, {"file", "lesion"}, {}));
  std::map<std::string, bool> labels;
  for (const CsvRow& row : rows) {
    const std::string& lesion = row.at("lesion");
    if (lesion != "0" && lesion != "1") {
      return At(csv, row.line, absl::StrCat("column lesion must be 0 or 1; was \"", lesion, "\""));
    }
    if (!labels.emplace(row.at("file"), lesion == "1").second) {
      return At(csv, row.line, absl::StrCat("file ", row.at("file"), " is listed twice"));
    }
  }
  return labels;
}

absl::Status WriteSliceLabels(const fs::path& csv,
                              const std::map<std::string, bool>& lesion_by_file) {
  std::string text = "file,lesion\n";
  for (const auto& [file, lesion] : lesion_by_file) {
    absl::StrAppend(&text, QuoteCsv(file), ",", lesion ? 1 : 0, "\n");
  }
  return WriteFile(csv, text);
}

}  // namespace m3lung
