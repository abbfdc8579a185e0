#include "client/answer_table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/label_names.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

constexpr int kNameWidth = 16;
constexpr size_t kTextWidth = 80 - kNameWidth;
constexpr int kBarCells = 30;

std::string Row(absl::string_view name, absl::string_view value) {
  const std::string indent(kNameWidth, ' ');
  return absl::StrFormat("%-*s%s\n", kNameWidth, std::string(name),
                         Wrapped(Printable(value), kTextWidth, indent));
}

std::string ProbabilityRows(const v1::PatientResult& patient) {
  std::string rows;
  for (int i = 0; i < patient.probabilities_size() && i < static_cast<int>(kLabels.size()); ++i) {
    const float probability = patient.probabilities(i);
    const int full =
        std::clamp(static_cast<int>(std::lround(probability * kBarCells)), 0, kBarCells);
    absl::StrAppend(
        &rows, absl::StrFormat("%-*s%d: %-9s %.3f  %s\n", kNameWidth, i == 0 ? "Probabilities" : "",
                               i, std::string(LabelName(kLabels[static_cast<size_t>(i)])),
                               probability, std::string(static_cast<size_t>(full), '#')));
  }
  return rows;
}

std::string Verdict(const v1::PatientResult& patient) {
  std::vector<std::string> reasons;
  for (const int reason : patient.reasons()) {
    reasons.push_back(v1::StudyReason_Name(static_cast<v1::StudyReason>(reason)));
  }
  std::string verdict = v1::Verdict_Name(patient.verdict());
  if (!reasons.empty()) absl::StrAppend(&verdict, " (", absl::StrJoin(reasons, ", "), ")");
  if (!patient.detail().empty()) absl::StrAppend(&verdict, ": ", patient.detail());
  return verdict;
}

std::string SkippedRows(const v1::StudyAnswer& answer) {
  struct Group {
    int count = 0;
    std::string detail;  // of the first
  };
  std::map<v1::SkipReason, Group> groups;
  int warned = 0;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    if (receipt.warnings_size() > 0) ++warned;
    if (receipt.status() != v1::SKIPPED) continue;
    Group& group = groups[receipt.reason()];
    if (++group.count == 1) group.detail = receipt.detail();
  }
  std::string rows;
  for (const auto& [reason, group] : groups) {
    absl::StrAppend(&rows, Row(rows.empty() ? "Skipped" : "",
                               absl::StrCat(group.count, " x ", v1::SkipReason_Name(reason),
                                            group.detail.empty() ? "" : ": ", group.detail)));
  }
  if (warned > 0) {
    absl::StrAppend(&rows,
                    Row("Warnings", absl::StrCat("on ", Counted(warned, "instance", "instances"),
                                                 "; see receipts in the JSON file")));
  }
  return rows;
}

std::string Timings(const v1::StageTimings& timings) {
  return absl::StrFormat(
      "%.1f s in all; summed over slices: decode %.1f s, crop %.1f s, queue %.1f s, slice model "
      "%.1f s, patient model %.1f s",
      timings.total_ms() / 1000, timings.decode_ms() / 1000, timings.crop_ms() / 1000,
      timings.queue_ms() / 1000, timings.slice_model_ms() / 1000,
      timings.patient_model_ms() / 1000);
}

}  // namespace

std::string FormatAnswer(const v1::StudyAnswer& answer) {
  const v1::PatientResult& patient = answer.patient();
  const std::string rule = std::string(80, '-') + "\n";
  std::string table = rule;
  absl::StrAppend(&table, Row("Verdict", Verdict(patient)));
  absl::StrAppend(&table, Row("Label", LabelName(patient.label())), ProbabilityRows(patient));
  if (patient.has_non_parametric()) {
    const v1::NonParametricAssessment& counts = patient.non_parametric();
    absl::StrAppend(&table,
                    Row("By counting",
                        absl::StrFormat("%s (%.1f %% of slices called Healthy; more than %.1f "
                                        "%% would make the patient Healthy)",
                                        std::string(LabelName(counts.label())),
                                        counts.healthy_share() * 100, counts.threshold() * 100)));
  }
  absl::StrAppend(
      &table,
      Row("Slices", absl::StrCat(patient.slices_used(), " used of ",
                                 Counted(patient.instances_received(), "instance", "instances"),
                                 " received, ", patient.instances_skipped(), " skipped")));
  if (patient.slices_by_label_size() > 0) {
    absl::StrAppend(&table, Row("Slices by label", SlicesByLabel(patient)));
  }
  absl::StrAppend(&table, SkippedRows(answer));
  const v1::ModelReference& model = patient.model();
  absl::StrAppend(&table, Row("Model", absl::StrCat(model.name(), " ", model.version(), " (digest ",
                                                    model.digest().substr(0, 12), ")")));
  absl::StrAppend(&table, Row("Notice", model.notice()));
  absl::StrAppend(&table, Row("Time", Timings(patient.timings())), rule);
  return table;
}

}  // namespace m3lung::client
