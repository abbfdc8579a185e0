// SPDX-License-Identifier: Apache-2.0
#include "client/answer_table.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/answer_summary.h"
#include "client/label_names.h"
#include "client/study_words.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

constexpr int kNameWidth = 16;
constexpr size_t kTextWidth = 80 - kNameWidth;
constexpr int kBarCells = 30;
// So that a study with much to say still fits a screen.
constexpr size_t kMostWarnings = 12;  // distinct ones
constexpr int kMostSeries = 6;

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

std::string VerdictRows(const v1::PatientResult& patient) {
  std::string verdict = NameOf(patient.verdict());
  if (patient.reasons_size() > 0) absl::StrAppend(&verdict, " (", ReasonNames(patient), ")");
  std::string rows = Row("Verdict", verdict);
  if (!patient.detail().empty()) absl::StrAppend(&rows, Row("Because", patient.detail()));
  return rows;
}

std::string SliceRows(const v1::StudyAnswer& answer) {
  const v1::PatientResult& patient = answer.patient();
  std::string rows = Row("Slices", SliceCounts(patient));
  const std::vector<SliceRun> runs = UnscoredRuns(answer);
  if (!runs.empty() && patient.verdict() == v1::REJECTED) {
    absl::StrAppend(&rows, Row("Not scored", absl::StrCat("slices ", RunsText(runs),
                                                          ": the study was rejected")));
  } else if (!runs.empty()) {
    int unscored = 0;
    for (const SliceRun& run : runs) unscored += run.last - run.first + 1;
    absl::StrAppend(&rows,
                    Row("No lung", absl::StrCat("on ", Counted(unscored, "slice", "slices"), " (",
                                                RunsText(runs), "), which were not scored")));
  }
  if (patient.slices_by_label_size() > 0) {
    absl::StrAppend(&rows, Row("Slices by label", SlicesByLabel(patient)));
  }
  return rows;
}

std::string SeriesRows(const v1::PatientResult& patient) {
  std::string rows;
  for (int i = 0; i < patient.series_size() && i < kMostSeries; ++i) {
    const v1::SeriesSummary& series = patient.series(i);
    absl::StrAppend(&rows,
                    Row(series.chosen() ? "Series chosen" : "Other series",
                        absl::StrCat(SeriesText(series), ":")),
                    Row("", SeriesName(series)));
    if (!series.detail().empty()) absl::StrAppend(&rows, Row("", series.detail()));
  }
  if (patient.series_size() > kMostSeries) {
    absl::StrAppend(&rows, Row("", absl::StrCat("and ", patient.series_size() - kMostSeries,
                                                " more: --json and --report have them all")));
  }
  return rows;
}

std::string GeometryRows(const v1::PatientResult& patient) {
  std::string rows;
  for (const std::string& statement : GeometryStatements(patient.geometry())) {
    absl::StrAppend(&rows, Row(rows.empty() ? "Geometry" : "", statement));
  }
  return rows;
}

std::string SkippedRows(const v1::StudyAnswer& answer) {
  std::string rows;
  for (const SkippedGroup& group : GroupSkipped(answer)) {
    std::string text = absl::StrCat(group.count, " x ", NameOf(group.reason));
    if (!group.detail.empty()) {
      if (group.details_differ) absl::StrAppend(&text, ", such as instance ", group.example);
      absl::StrAppend(&text, ": ", group.detail);
    }
    absl::StrAppend(&rows, Row(rows.empty() ? "Skipped" : "", text));
  }
  return rows;
}

std::string WarningRows(const v1::StudyAnswer& answer) {
  const std::vector<CollectedWarning> warnings = CollectWarnings(answer);
  std::string rows;
  for (size_t i = 0; i < warnings.size() && i < kMostWarnings; ++i) {
    const CollectedWarning& warning = warnings[i];
    absl::StrAppend(
        &rows, Row(rows.empty() ? "Warnings" : "",
                   warning.instances == 0
                       ? warning.text
                       : absl::StrCat(Counted(warning.instances, "instance", "instances"), ": ",
                                      warning.text)));
  }
  if (warnings.size() > kMostWarnings) {
    absl::StrAppend(&rows,
                    Row("", absl::StrCat("and ", warnings.size() - kMostWarnings,
                                         " other warnings: --json and --report have them all")));
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
  absl::StrAppend(&table, VerdictRows(patient), Row("Label", LabelOrNone(patient)),
                  ProbabilityRows(patient));
  if (patient.has_non_parametric()) {
    const v1::NonParametricAssessment& counts = patient.non_parametric();
    absl::StrAppend(&table,
                    Row("By counting",
                        absl::StrFormat("%s (%.1f %% of slices called Healthy; more than %.1f "
                                        "%% would make the patient Healthy)",
                                        std::string(LabelName(counts.label())),
                                        counts.healthy_share() * 100, counts.threshold() * 100)));
  }
  if (patient.has_affected_lung()) {
    absl::StrAppend(&table,
                    Row("Affected lung",
                        absl::StrCat(AffectedLungText(patient.affected_lung()), " (an estimate)")));
  }
  absl::StrAppend(&table, SliceRows(answer), SeriesRows(patient), GeometryRows(patient));
  absl::StrAppend(&table, SkippedRows(answer), WarningRows(answer));
  const v1::ModelReference& model = patient.model();
  if (!model.name().empty()) {
    absl::StrAppend(&table,
                    Row("Model", absl::StrCat(model.name(), " ", model.version(), " (digest ",
                                              model.digest().substr(0, 12), ")")));
  }
  if (!model.notice().empty()) absl::StrAppend(&table, Row("Notice", model.notice()));
  absl::StrAppend(&table, Row("Time", Timings(patient.timings())), rule);
  return table;
}

}  // namespace m3lung::client
