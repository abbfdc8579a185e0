#include "server/study_ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/assessment.h"
#include "preprocess/skip_reason.h"
#include "preprocess/slice_order.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

// Whether a skipped instance may have been a slice that the study now lacks.
bool MayBeAMissingSlice(SkipReason reason) {
  switch (reason) {
    case SkipReason::kMalformed:
    case SkipReason::kUnsupportedTransferSyntax:
    case SkipReason::kUnsupportedPixelFormat:
    case SkipReason::kMultiFrame:
    case SkipReason::kTooLarge:
    case SkipReason::kNoGeometry:
      return true;
    default:
      return false;
  }
}

}  // namespace

v1::InstanceReceipt StudyLedger::Admit(int instance, const absl::StatusOr<PreparedSlice>& slice,
                                       const std::string& sop_instance_uid) {
  v1::InstanceReceipt receipt;
  receipt.set_instance(instance);
  receipt.set_sop_instance_uid(sop_instance_uid);
  const absl::Status status = slice.ok() ? Check(*slice) : slice.status();
  if (!status.ok()) {
    ++skipped_;
    skipped_a_damaged_one_ |= MayBeAMissingSlice(SkipReasonOf(status));
    receipt.set_status(v1::SKIPPED);
    receipt.set_reason(ToProto(SkipReasonOf(status)));
    receipt.set_detail(std::string(status.message()));
    return receipt;
  }
  if (used_count_ == 0) series_instance_uid_ = slice->series_instance_uid;
  if (!slice->sop_instance_uid.empty()) sop_instance_uids_.insert(slice->sop_instance_uid);
  used_[instance].position_mm = slice->position_mm;
  ++used_count_;
  receipt.set_status(v1::USED);
  for (const std::string& warning : slice->warnings) receipt.add_warnings(warning);
  return receipt;
}

absl::Status StudyLedger::Check(const PreparedSlice& slice) const {
  if (used_count_ > 0 && slice.series_instance_uid != series_instance_uid_) {
    return SkipError(SkipReason::kOtherSeries,
                     "belongs to another series than the study's first image; send each series "
                     "as a study of its own");
  }
  if (sop_instance_uids_.contains(slice.sop_instance_uid)) {
    return SkipError(SkipReason::kDuplicate,
                     "an instance with the same SOP instance uid came before; send each once");
  }
  return absl::OkStatus();
}

void StudyLedger::AddScores(int instance, SliceScores scores) {
  used_.at(instance).scores = std::move(scores);
  ++scored_;
}

std::vector<int> StudyLedger::HeadToFeet() const {
  std::vector<int> instances;
  std::vector<double> positions;
  for (const auto& [instance, slice] : used_) {
    instances.push_back(instance);
    positions.push_back(slice.position_mm);
  }
  std::vector<int> ordered;
  for (const int i : OrderHeadToFeet(positions)) ordered.push_back(instances[i]);
  return ordered;
}

std::vector<const std::vector<float>*> StudyLedger::Features() const {
  std::vector<const std::vector<float>*> features;
  for (const int instance : HeadToFeet()) features.push_back(&used_.at(instance).scores.features);
  return features;
}

v1::PatientResult StudyLedger::MakePatientResult(const ClassProbabilities& probabilities,
                                                 float healthy_share_threshold,
                                                 int expected_instances) const {
  v1::PatientResult result;
  result.set_instances_received(admitted());
  result.set_slices_used(used());
  result.set_instances_skipped(skipped_);
  result.set_series_instance_uid(series_instance_uid_);
  result.set_verdict(v1::OK);
  std::vector<std::string> details;
  if (expected_instances > 0 && admitted() != expected_instances) {
    result.set_verdict(v1::DEGRADED);
    result.add_reasons(admitted() < expected_instances ? v1::FEWER_INSTANCES_THAN_EXPECTED
                                                       : v1::MORE_INSTANCES_THAN_EXPECTED);
    details.push_back(absl::StrCat("the header announced ", expected_instances, " instances, and ",
                                   admitted(), " came"));
  }
  if (skipped_a_damaged_one_) {
    result.set_verdict(v1::DEGRADED);
    result.add_reasons(v1::INSTANCES_SKIPPED);
    details.push_back(
        "some instances that may be slices of this study could not be used; their "
        "receipts say why");
  }
  if (used() == 0) {
    result.set_verdict(v1::REJECTED);
    result.add_reasons(v1::NO_USABLE_INSTANCE);
    details.push_back(admitted() == 0 ? "no instance came"
                                      : "no instance could be used; the receipts say why");
  }
  for (const std::string& detail : details) {
    result.set_detail(absl::StrCat(result.detail(), result.detail().empty() ? "" : "; ", detail));
  }
  if (used() == 0) return result;

  std::vector<ClassProbabilities> slices;
  for (const auto& [instance, slice] : used_) slices.push_back(slice.scores.probabilities);
  const NonParametricAssessment assessment =
      AssessWithoutParameters(slices, healthy_share_threshold);
  v1::NonParametricAssessment& message = *result.mutable_non_parametric();
  message.set_label(ToProto(assessment.label));
  message.set_healthy_share(assessment.healthy_share);
  message.set_threshold(healthy_share_threshold);
  result.mutable_slices_by_label()->Add(assessment.slices_by_label.begin(),
                                        assessment.slices_by_label.end());
  result.set_label(ToProto(MostProbable(probabilities)));
  result.mutable_probabilities()->Add(probabilities.begin(), probabilities.end());
  for (const int instance : HeadToFeet()) result.add_instances_head_to_feet(instance);
  return result;
}

}  // namespace m3lung
