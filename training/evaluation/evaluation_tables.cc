// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/evaluation_tables.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/colour.h"
#include "report/html.h"
#include "training/evaluation/curves.h"

namespace m3lung {
namespace {

// Columns of text, then columns of numbers.
std::vector<Table::Column> Columns(const std::vector<std::string>& texts,
                                   const std::vector<std::string>& numbers) {
  std::vector<Table::Column> columns;
  columns.reserve(texts.size() + numbers.size());
  for (const std::string& name : texts) columns.push_back({name, false});
  for (const std::string& name : numbers) columns.push_back({name, true});
  return columns;
}

std::string Fixed(double value) { return absl::StrFormat("%.3f", value); }

std::string ShareText(int64_t part, int64_t whole) {
  return whole == 0 ? std::string(kNothing)
                    : absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(part) /
                                                     static_cast<double>(whole));
}

Label Called(const StudyEvaluation& study) { return MostProbable(study.prediction.probabilities); }

float TruthProbability(const StudyEvaluation& study) {
  return study.prediction.probabilities[static_cast<size_t>(study.prediction.truth)];
}

std::string ClassName(std::optional<Label> label) {
  return label ? std::string(ClassTitle(*label)) : kNothing;
}

std::string TableOf(const std::vector<const StudyEvaluation*>& studies) {
  Table table(
      Columns({"Study", "Truth", "Label", "Without parameters"},
              {"Probability of the label", "Of the truth", "Slices", "Lesion AUC of its slices"}));
  for (const StudyEvaluation* study : studies) {
    const Label called = Called(*study);
    const float certainty = study->prediction.probabilities[static_cast<size_t>(called)];
    table.Add({study->prediction.name, ClassName(study->prediction.truth), ClassName(called),
               ClassName(study->prediction.non_parametric), Fixed(certainty),
               Fixed(TruthProbability(*study)), absl::StrCat(study->slices),
               study->slice_lesion_area ? Fixed(*study->slice_lesion_area) : kNothing});
  }
  return table.Html();
}

}  // namespace

std::string OverallTable(const std::vector<NamedMethod>& methods) {
  Table table(Columns({"Method"}, {"Cases", "Accuracy", "FPE", "FNE", "FDPE"}));
  for (const auto& [name, method] : methods) {
    table.Add({name, absl::StrCat(method->cases), EstimateText(method->accuracy),
               EstimateText(method->false_positive_error),
               EstimateText(method->false_negative_error),
               EstimateText(method->false_disease_prediction_error)});
  }
  return table.Html();
}

std::string ClassTable(const std::vector<NamedMethod>& methods, const std::string& names) {
  Table table(Columns({"Class", names}, {"Cases", "Sensitivity", "Specificity", "AUC"}));
  for (const Label label : kLabels) {
    const auto c = static_cast<size_t>(label);
    bool first = true;
    for (const auto& [name, method] : methods) {
      int64_t cases = 0;
      for (const int64_t count : method->confusion[c]) cases += count;
      const ClassEvaluation& one = method->classes[c];
      table.Add({first ? std::string(ClassTitle(label)) : "", name, absl::StrCat(cases),
                 EstimateText(one.sensitivity), EstimateText(one.specificity),
                 EstimateText(one.area_under_curve)});
      first = false;
    }
  }
  return table.Html();
}

std::string ConfusionTable(const NamedMethod& method) {
  std::string table = absl::StrCat("<figure class=\"plot\"><h3>", EscapeHtml(method.first),
                                   "</h3>\n<table class=\"confusion\">\n<tr><th>Truth</th>");
  for (const Label label : kLabels) {
    absl::StrAppend(&table, "<th class=\"number\">", ClassTitle(label), "</th>");
  }
  absl::StrAppend(&table, "</tr>\n");
  for (const Label truth : kLabels) {
    const auto& row = method.second->confusion[static_cast<size_t>(truth)];
    int64_t cases = 0;
    for (const int64_t count : row) cases += count;
    absl::StrAppend(&table, "<tr><th>", ClassTitle(truth), "</th>");
    for (const Label called : kLabels) {
      const int64_t count = row[static_cast<size_t>(called)];
      const double share = cases == 0 ? 0 : static_cast<double>(count) / static_cast<double>(cases);
      const Colour colour = ClassColour(truth == called ? 0 : 1);
      absl::StrAppend(
          &table,
          absl::StrFormat("<td class=\"number\" style=\"background:rgba(%d,%d,%d,%.2f)\">",
                          colour.red, colour.green, colour.blue, 0.55 * share),
          count, "<br><span class=\"faint\">", ShareText(count, cases), "</span></td>");
    }
    absl::StrAppend(&table, "</tr>\n");
  }
  return absl::StrCat(table, "</table></figure>\n");
}

std::string MapTable(const MapScores& maps) {
  const std::string threshold =
      maps.mapped_slices == 0 ? kNothing : absl::StrFormat("%.2f", maps.threshold);
  const std::string chance = maps.mapped_slices == 0 ? kNothing : Fixed(maps.chance_precision);
  return absl::StrCat(
      "<dl>\n", Fact("Slices with a lesion", absl::StrCat(maps.lesion_slices)),
      Fact("Of these called so, whose maps are scored", absl::StrCat(maps.mapped_slices)),
      Fact("Pointing game", EstimateText(maps.pointing)),
      Fact("Mean IoU at the best threshold", EstimateText(maps.overlap)),
      Fact("That threshold, one for all slices", threshold),
      Fact("Average precision of the pixels", EstimateText(maps.average_precision)),
      Fact("Average precision of a map by chance", chance), "</dl>\n");
}

std::string CalibrationTable(const Calibration& calibration,
                             const TemperatureEvaluation* temperature) {
  Table table(
      Columns({"Probabilities"}, {"Expected calibration error", "Brier score", "Log loss"}));
  const auto add = [&table](const std::string& name, const Calibration& one) {
    table.Add({name, Fixed(one.expected_error), Fixed(one.brier), Fixed(one.log_loss)});
  };
  add("As answered", calibration);
  if (temperature != nullptr) {
    add(absl::StrFormat("With temperature %.3f, fitted on %d other studies",
                        temperature->temperature, temperature->fitted_on),
        temperature->after);
  }
  return table.Html();
}

std::string MistakesTable(const std::vector<StudyEvaluation>& studies, size_t most) {
  std::vector<const StudyEvaluation*> wrong;
  for (const StudyEvaluation& study : studies) {
    if (Called(study) != study.prediction.truth) wrong.push_back(&study);
  }
  if (wrong.empty()) return "<p>None: every study has its right label.</p>\n";
  std::stable_sort(wrong.begin(), wrong.end(), [](const auto* a, const auto* b) {
    return TruthProbability(*a) < TruthProbability(*b);
  });
  const std::string head =
      absl::StrCat("<p>", wrong.size(), " of ", studies.size(), " studies have a wrong label",
                   wrong.size() > most ? "; the worst:" : ":", "</p>\n");
  wrong.resize(std::min(most, wrong.size()));
  return absl::StrCat(head, TableOf(wrong));
}

std::string StudiesTable(const std::vector<StudyEvaluation>& studies) {
  std::vector<const StudyEvaluation*> all;
  all.reserve(studies.size());
  for (const StudyEvaluation& study : studies) all.push_back(&study);
  return TableOf(all);
}

}  // namespace m3lung
