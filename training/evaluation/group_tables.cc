// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/group_tables.h"

#include <cstdint>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/html.h"
#include "training/evaluation/curves.h"

namespace m3lung {

std::string GroupTable(const std::vector<NamedGroup>& groups) {
  Table table({{"Lungs", false},
               {"Studies", true},
               {"Patients", true},
               {"Without pneumonia", true},
               {"Accuracy", true},
               {"Specificity", true},
               {"Confidently wrong", true}});
  for (const auto& [name, group] : groups) {
    const MethodEvaluation& patients = group->patients;
    const auto& called = patients.confusion[static_cast<size_t>(Label::kHealthy)];
    const int64_t healthy = std::accumulate(called.begin(), called.end(), int64_t{0});
    table.Add({name, absl::StrCat(patients.cases), absl::StrCat(group->distinct_patients),
               absl::StrCat(healthy), EstimateText(patients.accuracy),
               EstimateText(patients.classes[static_cast<size_t>(Label::kHealthy)].sensitivity),
               EstimateText(group->confidently_wrong)});
  }
  return table.Html();
}

std::string GroupSliceTable(const std::vector<NamedGroup>& groups) {
  Table table({{"Lungs", false},
               {"With a lesion", true},
               {"Without", true},
               {"Lesion AUC", true},
               {"Called Healthy", true}});
  for (const auto& [name, group] : groups) {
    const LesionEvaluation lesions = group->lesions.value_or(LesionEvaluation());
    table.Add({name, absl::StrCat(lesions.with), absl::StrCat(lesions.without),
               EstimateText(lesions.area_under_curve), EstimateText(group->healthy_slices)});
  }
  return table.Html();
}

std::string RiskTable(const std::vector<NamedGroup>& groups) {
  std::vector<Table::Column> columns = {{"Answered", false}};
  for (const auto& [name, group] : groups) columns.push_back({name, true});
  Table table(columns);
  const std::vector<RiskAtCoverage>& rows = groups.front().second->risk_coverage.table;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> cells = {absl::StrFormat("%.0f %%", 100 * rows[i].asked)};
    for (const auto& [name, group] : groups) {
      const RiskAtCoverage& row = group->risk_coverage.table[i];
      cells.push_back(
          absl::StrFormat("%s, from %.3f on", EstimateText(row.risk), row.reached.confidence));
    }
    table.Add(cells);
  }
  std::vector<std::string> areas = {"Area under the curve"};
  for (const auto& [name, group] : groups) {
    areas.push_back(EstimateText(group->risk_coverage.area));
  }
  table.Add(areas, /*strong=*/true);
  return table.Html();
}

}  // namespace m3lung
