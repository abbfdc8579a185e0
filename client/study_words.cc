// SPDX-License-Identifier: Apache-2.0
#include "client/study_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/label_names.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

// Below it, the figure with one digit reads zero.
constexpr double kSmallestTiltDegrees = 0.05;

std::string NameOr(const std::string& name, absl::string_view kind, int value) {
  return name.empty() ? absl::StrCat(kind, " ", value) : name;
}

std::string Share(absl::string_view part, float share) {
  return absl::StrFormat("%s %.1f %%", std::string(part), share * 100);
}

}  // namespace

std::string NameOf(v1::Verdict verdict) {
  return NameOr(v1::Verdict_Name(verdict), "verdict", verdict);
}
std::string NameOf(v1::StudyReason reason) {
  return NameOr(v1::StudyReason_Name(reason), "reason", reason);
}
std::string NameOf(v1::SkipReason reason) {
  return NameOr(v1::SkipReason_Name(reason), "reason", reason);
}

std::string ReasonNames(const v1::PatientResult& patient) {
  std::vector<std::string> names;
  for (const int reason : patient.reasons()) {
    names.push_back(NameOf(static_cast<v1::StudyReason>(reason)));
  }
  return absl::StrJoin(names, ", ");
}

std::string LabelOrNone(const v1::PatientResult& patient) {
  if (patient.label() == v1::LABEL_UNSPECIFIED) return "no label is given";
  return std::string(LabelName(patient.label()));
}

std::string SliceCounts(const v1::PatientResult& patient) {
  const int used = patient.instances_received() - patient.instances_skipped();
  return absl::StrCat(patient.slices_used(), " used, from ", used, " of ",
                      Counted(patient.instances_received(), "instance", "instances"), " received (",
                      patient.instances_skipped(), " skipped)");
}

std::string SeriesText(const v1::SeriesSummary& series) {
  std::string text = Counted(series.slices(), "slice", "slices");
  if (series.slices() > 1) {
    absl::StrAppend(&text, absl::StrFormat(", %.2f mm apart over %.1f mm", series.spacing_mm(),
                                           series.extent_mm()));
  }
  if (series.has_acquisition_number()) {
    absl::StrAppend(&text, ", acquisition ", series.acquisition_number());
  }
  return text;
}

std::string SeriesName(const v1::SeriesSummary& series) {
  return series.series_instance_uid().empty() ? "(without a series uid)"
                                              : series.series_instance_uid();
}

std::vector<std::string> GeometryStatements(const v1::StudyGeometry& geometry) {
  std::vector<std::string> statements;
  if (geometry.median_spacing_mm() > 0) {
    statements.push_back(
        absl::StrFormat("%.2f mm between slices, %.1f mm from the first to the last",
                        geometry.median_spacing_mm(), geometry.extent_mm()));
    statements.push_back(geometry.gaps() == 0
                             ? "no gaps"
                             : absl::StrCat(Counted(geometry.gaps(), "gap", "gaps"), " with ",
                                            Counted(geometry.missing_slices(), "slice", "slices"),
                                            " missing"));
  }
  if (geometry.doubled_positions() > 0) {
    statements.push_back(absl::StrCat(Counted(geometry.doubled_positions(), "slice", "slices"),
                                      " left out at doubled positions"));
  }
  if (geometry.gantry_tilt_degrees() >= kSmallestTiltDegrees) {
    statements.push_back(
        absl::StrFormat("gantry tilt %.1f degrees", geometry.gantry_tilt_degrees()));
  }
  if (geometry.slices_with_lung() > 0) {
    statements.push_back(absl::StrFormat("lung on %s, %.2f litres in all",
                                         Counted(geometry.slices_with_lung(), "slice", "slices"),
                                         geometry.lung_volume_ml() / 1000));
  }
  return statements;
}

std::string AffectedLungText(const v1::AffectedLung& affected) {
  std::vector<std::string> sides = {Share("whole", affected.whole())};
  if (affected.has_left()) sides.push_back(Share("left", affected.left()));
  if (affected.has_right()) sides.push_back(Share("right", affected.right()));
  std::vector<std::string> thirds;
  if (affected.has_upper_third()) thirds.push_back(Share("upper third", affected.upper_third()));
  if (affected.has_middle_third()) thirds.push_back(Share("middle third", affected.middle_third()));
  if (affected.has_lower_third()) thirds.push_back(Share("lower third", affected.lower_third()));
  std::string text = absl::StrJoin(sides, ", ");
  if (!thirds.empty()) absl::StrAppend(&text, "; ", absl::StrJoin(thirds, ", "));
  return text;
}

}  // namespace m3lung::client
