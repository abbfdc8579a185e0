// SPDX-License-Identifier: Apache-2.0
#include "server/study/patient_result.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/answers/affected_lung.h"
#include "model/answers/assessment.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

void SetVerdict(const std::vector<Finding>& findings, v1::PatientResult& result) {
  result.set_verdict(ToProto(WorstVerdict(findings)));
  for (const Finding& finding : findings) result.add_reasons(ToProto(finding.reason));
  result.set_detail(absl::StrJoin(findings, "; ", [](std::string* out, const Finding& finding) {
    absl::StrAppend(out, finding.detail);
  }));
}

void SetSeries(const AssembledStudy& study, v1::PatientResult& result) {
  for (size_t i = 0; i < study.series.size(); ++i) {
    const ExaminedSeries& one = study.series[i];
    v1::SeriesSummary& summary = *result.add_series();
    summary.set_series_instance_uid(one.series.uid);
    if (one.series.acquisition_number.has_value()) {
      summary.set_acquisition_number(static_cast<int32_t>(*one.series.acquisition_number));
    }
    summary.set_slices(static_cast<int>(one.series.head_to_feet.size()));
    summary.set_spacing_mm(one.geometry.median_spacing_mm);
    summary.set_extent_mm(one.geometry.extent_mm);
    summary.set_chosen(i == 0);
    summary.set_detail(one.detail);
    summary.set_convolution_kernel(one.kernel);
    for (const AcquisitionSign sign : one.series.told_by) {
      summary.add_told_apart_by(std::string(NameOf(sign)));
    }
  }
}

void SetGeometry(const ExaminedSeries& chosen, v1::PatientResult& result) {
  v1::StudyGeometry& geometry = *result.mutable_geometry();
  geometry.set_median_spacing_mm(chosen.geometry.median_spacing_mm);
  geometry.set_extent_mm(chosen.geometry.extent_mm);
  geometry.set_gaps(chosen.geometry.gaps);
  geometry.set_missing_slices(chosen.geometry.missing_slices);
  geometry.set_doubled_positions(chosen.geometry.doubled_positions);
  geometry.set_gantry_tilt_degrees(chosen.geometry.gantry_tilt_degrees);
  geometry.set_slices_with_lung(chosen.lungs.slices_with_lung);
  geometry.set_lung_volume_ml(chosen.lungs.volume_ml);
}

void SetAffectedLung(const StudyLedger& ledger, v1::PatientResult& result) {
  std::vector<LungCounts> slices;
  for (const SliceNumber number : ledger.HeadToFeet()) slices.push_back(ledger.CountsOf(number));
  const std::optional<AffectedLung> shares = SumAffected(slices);
  if (!shares.has_value()) return;
  v1::AffectedLung& affected = *result.mutable_affected_lung();
  affected.set_whole(shares->whole);
  if (shares->left) affected.set_left(*shares->left);
  if (shares->right) affected.set_right(*shares->right);
  if (shares->upper_third) affected.set_upper_third(*shares->upper_third);
  if (shares->middle_third) affected.set_middle_third(*shares->middle_third);
  if (shares->lower_third) affected.set_lower_third(*shares->lower_third);
}

void SetScores(const StudyLedger& ledger, const std::optional<ClassProbabilities>& patient,
               float healthy_share_threshold, v1::PatientResult& result) {
  std::vector<ClassProbabilities> slices;
  for (const SliceNumber number : ledger.HeadToFeet()) {
    if (const SliceScores* scores = ledger.scores(number)) slices.push_back(scores->probabilities);
  }
  if (slices.empty()) return;
  const NonParametricAssessment assessment =
      AssessWithoutParameters(slices, healthy_share_threshold);
  result.mutable_slices_by_label()->Add(assessment.slices_by_label.begin(),
                                        assessment.slices_by_label.end());
  SetAffectedLung(ledger, result);
  if (!patient.has_value()) return;
  v1::NonParametricAssessment& message = *result.mutable_non_parametric();
  message.set_label(ToProto(assessment.label));
  message.set_healthy_share(assessment.healthy_share);
  message.set_threshold(healthy_share_threshold);
  result.set_label(ToProto(MostProbable(*patient)));
  result.mutable_probabilities()->Add(patient->begin(), patient->end());
}

}  // namespace

v1::PatientResult MakePatientResult(const StudyLedger& ledger,
                                    const std::optional<ClassProbabilities>& probabilities,
                                    float healthy_share_threshold) {
  v1::PatientResult result;
  result.set_instances_received(ledger.instances());
  result.set_slices_used(ledger.used());
  result.set_instances_skipped(ledger.skipped_instances());
  SetVerdict(ledger.findings(), result);
  SetSeries(ledger.study(), result);
  if (const ExaminedSeries* chosen = ledger.study().chosen()) {
    result.set_series_instance_uid(chosen->series.uid);
    SetGeometry(*chosen, result);
  }
  for (const std::string& warning : ledger.study().warnings) result.add_warnings(warning);
  for (const SliceNumber number : ledger.HeadToFeet()) {
    result.add_instances_head_to_feet(ledger.slice(number).summary.instance);
    result.add_frames_head_to_feet(ledger.slice(number).summary.frame);
  }
  int without_lung = 0;
  for (const SliceNumber number : ledger.HeadToFeet()) {
    without_lung += ledger.scores(number) == nullptr && ledger.LungMaskOf(number).empty();
  }
  result.set_slices_without_lung(without_lung);
  SetScores(ledger, probabilities, healthy_share_threshold, result);
  return result;
}

}  // namespace m3lung
