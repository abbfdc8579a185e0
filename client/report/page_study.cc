// SPDX-License-Identifier: Apache-2.0
#include "client/report/page_study.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/answer_summary.h"
#include "client/label_names.h"
#include "client/study_words.h"
#include "client/text.h"
#include "page/html.h"

namespace m3lung::client {
namespace {

std::string Facts(const v1::StudyAnswer& answer) {
  const v1::PatientResult& patient = answer.patient();
  std::string facts = Fact("Slices", SliceCounts(patient));
  if (const std::vector<SliceRun> runs = UnscoredRuns(answer); !runs.empty()) {
    const bool rejected = patient.verdict() == v1::REJECTED;
    absl::StrAppend(&facts, Fact(rejected ? "Not scored" : "No lung, not scored", RunsText(runs)));
  }
  if (patient.slices_by_label_size() > 0) {
    absl::StrAppend(&facts, Fact("Slices by label", SlicesByLabel(patient)));
  }
  if (patient.has_geometry()) {
    absl::StrAppend(&facts,
                    Fact("Geometry", absl::StrJoin(GeometryStatements(patient.geometry()), "; ")));
  }
  return absl::StrCat("<dl>\n", facts, "</dl>\n");
}

std::string SeriesTable(const v1::PatientResult& patient) {
  if (patient.series().empty()) return "";
  std::string table =
      "<h3>Series</h3>\n<div class=\"wide\"><table>\n<tr><th>Analysed</th><th>Slices</th>"
      "<th>Why</th><th>Series uid</th></tr>\n";
  for (const v1::SeriesSummary& series : patient.series()) {
    absl::StrAppend(&table, "<tr><td>", series.chosen() ? "<strong>chosen</strong>" : "no",
                    "</td><td>", EscapeHtml(SeriesText(series)), "</td><td>",
                    EscapeHtml(series.detail()), "</td><td>", EscapeHtml(SeriesName(series)),
                    "</td></tr>\n");
  }
  return absl::StrCat(table, "</table></div>\n");
}

std::string WarningList(const v1::StudyAnswer& answer) {
  const std::vector<CollectedWarning> warnings = CollectWarnings(answer);
  if (warnings.empty()) return "";
  std::string list = "<h3>Warnings</h3>\n<ul class=\"warnings\">\n";
  for (const CollectedWarning& warning : warnings) {
    const std::string who = warning.instances == 0
                                ? "study"
                                : absl::StrCat(Counted(warning.instances, "instance", "instances"));
    absl::StrAppend(&list, "<li><strong>", who, "</strong>: ", EscapeHtml(warning.text), "</li>\n");
  }
  return absl::StrCat(list, "</ul>\n");
}

}  // namespace

std::string StudySection(const v1::StudyAnswer& answer) {
  return absl::StrCat("<section>\n<h2>Study</h2>\n", Facts(answer), SeriesTable(answer.patient()),
                      WarningList(answer), "</section>\n");
}

}  // namespace m3lung::client
