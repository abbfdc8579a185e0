// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/answer_summary.h"
#include "client/label_names.h"
#include "client/report/page_sections.h"
#include "client/study_words.h"
#include "client/text.h"
#include "report/html.h"

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
  Table table({{"Analysed"}, {"Slices"}, {"Why"}, {"Series uid"}});
  for (const v1::SeriesSummary& series : patient.series()) {
    table.Add({series.chosen() ? "chosen" : "no", SeriesText(series), series.detail(),
               SeriesName(series)},
              /*strong=*/series.chosen());
  }
  return absl::StrCat("<h3>Series</h3>\n", table.Html());
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
  return Section("Study",
                 absl::StrCat(Facts(answer), SeriesTable(answer.patient()), WarningList(answer)));
}

}  // namespace m3lung::client
