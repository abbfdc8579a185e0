// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/predictions.h"

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "training/data/csv_table.h"

namespace m3lung {
namespace {

constexpr char kStudiesFile[] = "studies.csv";
constexpr char kSlicesFile[] = "slices.csv";
// How far four probabilities may be from adding up to 1: other programs round.
constexpr double kSumTolerance = 0.01;

// The fewest digits that read back as the same number.
template <typename Number>
std::string Exact(Number number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), number).ptr};
}

std::vector<std::string> WithClassNames(std::vector<std::string> before,
                                        const std::vector<std::string>& after) {
  for (const Label label : kLabels) before.emplace_back(LabelName(label));
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

std::string ClassFields(const ClassProbabilities& probabilities) {
  std::string fields;
  for (const float p : probabilities) absl::StrAppend(&fields, ",", Exact(p));
  return fields;
}

// One row as it is read, and where its errors belong.
class RowReader {
 public:
  RowReader(const std::filesystem::path& path, const CsvRow& row) : path_(path), row_(row) {}

  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(path_.string(), " line ", row_.line, ": ", message));
  }

  absl::StatusOr<Label> ReadLabel(const std::string& column) const {
    absl::StatusOr<Label> label = ParseLabel(row_.at(column));
    if (!label.ok()) return Error(absl::StrCat(column, ": ", label.status().message()));
    return label;
  }

  absl::StatusOr<float> Probability(const std::string& column) const {
    float value = 0;
    if (!absl::SimpleAtof(row_.at(column), &value) || !(value >= 0 && value <= 1)) {
      return Error(absl::StrCat(column, " must be a probability between 0 and 1; was \"",
                                row_.at(column), "\""));
    }
    return value;
  }

  absl::StatusOr<ClassProbabilities> Probabilities() const {
    ClassProbabilities probabilities = {};
    double sum = 0;
    for (const Label label : kLabels) {
      float& p = probabilities[static_cast<size_t>(label)];
      M3L_ASSIGN_OR_RETURN(p, Probability(std::string(LabelName(label))));
      sum += p;
    }
    if (std::abs(sum - 1) > kSumTolerance) {
      return Error(
          absl::StrCat("the probabilities of the four classes must add up to 1; they make ", sum));
    }
    return probabilities;
  }

  absl::StatusOr<double> Finite(const std::string& column) const {
    double value = 0;
    if (!absl::SimpleAtod(row_.at(column), &value) || !std::isfinite(value)) {
      return Error(absl::StrCat(column, " must be a number; was \"", row_.at(column), "\""));
    }
    return value;
  }

  absl::StatusOr<std::optional<bool>> Truth(const std::string& column) const {
    const std::string& text = row_.at(column);
    if (text.empty()) return std::optional<bool>();
    if (text != "0" && text != "1") {
      return Error(absl::StrCat(column, " must be 1, 0 or, where it is not known, empty; was \"",
                                text, "\""));
    }
    return std::optional<bool>(text == "1");
  }

 private:
  const std::filesystem::path& path_;
  const CsvRow& row_;
};

absl::StatusOr<std::vector<CsvRow>> ReadTable(const std::filesystem::path& path,
                                              const std::vector<std::string>& required,
                                              const std::vector<std::string>& optional) {
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  absl::StatusOr<std::vector<CsvRow>> rows = ParseCsv(text, required, optional);
  if (!rows.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " ", rows.status().message()));
  }
  return rows;
}

absl::StatusOr<std::vector<StudyPrediction>> ReadStudies(const std::filesystem::path& path) {
  M3L_ASSIGN_OR_RETURN(const auto rows, ReadTable(path, WithClassNames({"study", "label"}, {}),
                                                  {"non_parametric", "patient", "lungs"}));
  if (rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " lists no study"));
  }
  std::vector<StudyPrediction> studies;
  std::map<std::string, int> line_of;
  for (const CsvRow& row : rows) {
    const RowReader reader(path, row);
    StudyPrediction& study = studies.emplace_back();
    study.name = row.at("study");
    if (study.name.empty()) return reader.Error("the study has no name");
    const auto [first, is_new] = line_of.emplace(study.name, row.line);
    if (!is_new) {
      return reader.Error(
          absl::StrCat("study \"", study.name, "\" is listed on line ", first->second, " already"));
    }
    M3L_ASSIGN_OR_RETURN(study.truth, reader.ReadLabel("label"));
    M3L_ASSIGN_OR_RETURN(study.probabilities, reader.Probabilities());
    if (!row.at("non_parametric").empty()) {
      M3L_ASSIGN_OR_RETURN(study.non_parametric, reader.ReadLabel("non_parametric"));
    }
    study.patient = row.at("patient");
    const absl::StatusOr<std::optional<Lungs>> lungs = ParseLungs(row.at("lungs"));
    if (!lungs.ok()) return reader.Error(lungs.status().message());
    study.lungs = *lungs;
  }
  return studies;
}

absl::StatusOr<std::vector<SlicePrediction>> ReadSlices(
    const std::filesystem::path& path, const std::vector<StudyPrediction>& studies) {
  M3L_ASSIGN_OR_RETURN(
      const auto rows,
      ReadTable(path,
                WithClassNames({"study", "file", "position_mm", "lesion"}, {"lesion_probability"}),
                {}));
  std::map<std::string, int> index_of;
  for (size_t i = 0; i < studies.size(); ++i) index_of[studies[i].name] = static_cast<int>(i);
  std::set<std::pair<int, std::string>> seen;
  std::vector<SlicePrediction> slices;
  for (const CsvRow& row : rows) {
    const RowReader reader(path, row);
    SlicePrediction& slice = slices.emplace_back();
    const auto study = index_of.find(row.at("study"));
    if (study == index_of.end()) {
      return reader.Error(
          absl::StrCat("study \"", row.at("study"), "\" is not listed in ", kStudiesFile));
    }
    slice.study = study->second;
    slice.file = row.at("file");
    if (!seen.emplace(slice.study, slice.file).second) {
      return reader.Error(absl::StrCat("slice \"", slice.file, "\" of study \"", study->first,
                                       "\" is listed twice"));
    }
    M3L_ASSIGN_OR_RETURN(slice.position_mm, reader.Finite("position_mm"));
    M3L_ASSIGN_OR_RETURN(slice.lesion, reader.Truth("lesion"));
    if (slice.lesion.value_or(false) &&
        studies[static_cast<size_t>(slice.study)].truth == Label::kHealthy) {
      return reader.Error("a slice of a HEALTHY study cannot show a lesion");
    }
    M3L_ASSIGN_OR_RETURN(slice.probabilities, reader.Probabilities());
    M3L_ASSIGN_OR_RETURN(slice.lesion_probability, reader.Probability("lesion_probability"));
  }
  return slices;
}

}  // namespace

absl::Status WritePredictions(const Predictions& predictions, const std::filesystem::path& folder) {
  std::string studies = "study,label,HEALTHY,COVID_19,H1N1,CAP,non_parametric,patient,lungs\n";
  for (const StudyPrediction& study : predictions.studies) {
    absl::StrAppend(&studies, QuoteCsv(study.name), ",", LabelName(study.truth),
                    ClassFields(study.probabilities), ",",
                    study.non_parametric ? LabelName(*study.non_parametric) : "", ",",
                    QuoteCsv(study.patient), ",", LungsName(study.lungs), "\n");
  }
  std::string slices =
      "study,file,position_mm,lesion,HEALTHY,COVID_19,H1N1,CAP,lesion_probability\n";
  for (const SlicePrediction& slice : predictions.slices) {
    absl::StrAppend(&slices, QuoteCsv(predictions.studies[static_cast<size_t>(slice.study)].name),
                    ",", QuoteCsv(slice.file), ",", Exact(slice.position_mm), ",");
    absl::StrAppend(&slices, slice.lesion ? (*slice.lesion ? "1" : "0") : "",
                    ClassFields(slice.probabilities), ",", Exact(slice.lesion_probability), "\n");
  }
  M3L_RETURN_IF_ERROR(MakeFolder(folder));
  M3L_RETURN_IF_ERROR(WriteFile(folder / kStudiesFile, studies));
  return WriteFile(folder / kSlicesFile, slices);
}

absl::StatusOr<Predictions> ReadPredictions(const std::filesystem::path& folder) {
  Predictions predictions;
  M3L_ASSIGN_OR_RETURN(predictions.studies, ReadStudies(folder / kStudiesFile));
  std::error_code error;
  if (std::filesystem::exists(folder / kSlicesFile, error)) {
    M3L_ASSIGN_OR_RETURN(predictions.slices, ReadSlices(folder / kSlicesFile, predictions.studies));
  }
  return predictions;
}

}  // namespace m3lung
