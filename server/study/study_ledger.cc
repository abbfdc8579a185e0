// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_ledger.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/study/series.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

constexpr char kOtherStudy[] = "belongs to another study than the one that the header names";
constexpr char kNamesNoStudy[] =
    "names no study, and the header asks for one alone; without study_instance_uid in the header "
    "it "
    "is taken for what the stream's other instances are";

// Whether a skipped instance may have been a slice that the study now lacks.
bool MayBeAMissingSlice(SkipReason reason) {
  switch (reason) {
    case SkipReason::kMalformed:
    case SkipReason::kUnsupportedTransferSyntax:
    case SkipReason::kUnsupportedPixelFormat:
    case SkipReason::kMultiFrame:
    case SkipReason::kTooLarge:
    case SkipReason::kNoGeometry:
    case SkipReason::kTooSlow:
      return true;
    default:
      return false;
  }
}

}  // namespace

void StudyLedger::Expect(const std::string& study_instance_uid, int instances) {
  expected_study_ = IdentityDigest(study_instance_uid);
  expected_instances_ = instances;
}

bool StudyLedger::IsOfAnother(const StudyIdentity& identity) {
  const bool other = expected_study_ != 0 && identity.study != expected_study_;
  others_ += other;
  return other;
}

void StudyLedger::AddSkipped(const absl::Status& why, const std::string& sop_instance_uid,
                             const StudyIdentity& identity) {
  // Whose it is cannot always be read; then its own fault says more.
  const bool other = identity.study != 0 && IsOfAnother(identity);
  if (expected_study_ == 0 || identity.study == expected_study_) census_.Add(identity);
  instances_.push_back({.sop_instance_uid = sop_instance_uid,
                        .status = other ? SkipError(SkipReason::kOtherStudy, kOtherStudy) : why,
                        .first = static_cast<SliceNumber>(slices_.size())});
}

void StudyLedger::AddDecoded(std::vector<StudySlice> slices, const std::string& sop_instance_uid) {
  const InstanceHeader& header = slices.front().summary.header;
  Instance instance = {.sop_instance_uid = sop_instance_uid,
                       .first = static_cast<SliceNumber>(slices_.size())};
  if (IsOfAnother(header.identity)) {
    instance.status = SkipError(SkipReason::kOtherStudy,
                                header.identity.study != 0 ? kOtherStudy : kNamesNoStudy);
  } else {
    census_.AddImage(header.identity, header.series_instance_uid);
    if (census_.ContradictsItself()) {
      instance.status = SkipError(SkipReason::kOtherStudy, kOneOfSeveralStudies);
    }
  }
  if (instance.status.ok()) {
    instance.slices = static_cast<int>(slices.size());
    for (StudySlice& slice : slices) slices_.push_back(std::move(slice));
    decisions_.resize(slices_.size());
  }
  instances_.push_back(std::move(instance));
}

SliceDecision StudyLedger::DecideAsItCame(SliceNumber number) const {
  SliceDecision decision;
  const SliceSummary& one = slices_[number].summary;
  if (!admitted_.empty() && !BelongTogether(slices_[admitted_.front()].summary, one)) {
    decision.detail =
        "belongs to another series, size or orientation than the study's first image; send each "
        "series as a study of its own, or ask for crop mode VOLUME, which chooses the series";
    return decision;
  }
  const std::optional<Repetition> refused = arrivals_.Refuse(
      one, [this](int slice) -> const SliceSummary& { return slices_[slice].summary; });
  if (refused.has_value()) {
    decision.reason = refused->reason;
    decision.detail = refused->detail;
    return decision;
  }
  decision.used = true;
  return decision;
}

std::vector<SliceNumber> StudyLedger::AdmitAsItCame() {
  as_they_came_ = true;
  std::vector<SliceNumber> used;
  const Instance& last = instances_.back();
  for (SliceNumber number = last.first; number < last.first + last.slices; ++number) {
    decisions_[number] = DecideAsItCame(number);
    if (!decisions_[number].used) {
      ReleasePixels(number);
      continue;
    }
    admitted_.push_back(number);
    arrivals_.Add(number, slices_[number].summary);
    used.push_back(number);
  }
  return used;
}

void StudyLedger::SetAssembled(AssembledStudy study) {
  study_ = std::move(study);
  if (!as_they_came_) decisions_ = study_.decisions;
  if (study_.chosen() != nullptr) head_to_feet_ = study_.chosen()->series.head_to_feet;
  place_of_.assign(slices_.size(), -1);
  for (size_t i = 0; i < head_to_feet_.size(); ++i) {
    place_of_[head_to_feet_[i]] = static_cast<int>(i);
  }
  findings_ = Findings();
}

int64_t StudyLedger::ReleaseUnusedPixels() {
  int64_t released = 0;
  for (size_t slice = 0; slice < decisions_.size(); ++slice) {
    if (decisions_[slice].used) continue;
    released += ReleasePixels(static_cast<SliceNumber>(slice));
  }
  return released;
}

int64_t StudyLedger::ReleasePixels(SliceNumber number) {
  const int64_t bytes = slices_[number].bytes();
  slices_[number].hu.release();
  std::vector<int16_t>().swap(slices_[number].input);
  return bytes;
}

void StudyLedger::ReleaseCoarse() {
  for (StudySlice& slice : slices_) slice.summary.coarse.release();
}

v1::InstanceReceipt StudyLedger::ReceiptOf(int number) const {
  const Instance& instance = instances_[number];
  v1::InstanceReceipt receipt;
  receipt.set_instance(number);
  receipt.set_sop_instance_uid(instance.sop_instance_uid);
  if (!instance.status.ok()) {
    receipt.set_status(v1::SKIPPED);
    receipt.set_reason(ToProto(SkipReasonOf(instance.status)));
    receipt.set_detail(std::string(instance.status.message()));
    return receipt;
  }
  // Frames mostly say the same, which is told once.
  std::set<std::string> told;
  const auto warn = [&](const std::string& warning) {
    if (told.insert(warning).second) receipt.add_warnings(warning);
  };
  int used = 0;
  for (SliceNumber slice = instance.first; slice < instance.first + instance.slices; ++slice) {
    used += decisions_[slice].used;
    if (!decisions_[slice].used) continue;
    for (const std::string& warning : slices_[slice].warnings) warn(warning);
    for (const std::string& warning : decisions_[slice].warnings) warn(warning);
  }
  const SliceDecision& first = decisions_[instance.first];
  receipt.set_frames_used(used);
  if (used == 0) {
    receipt.set_status(v1::SKIPPED);
    receipt.set_reason(ToProto(first.reason));
    receipt.set_detail(first.detail);
    return receipt;
  }
  receipt.set_status(v1::USED);
  if (used < instance.slices) {
    for (SliceNumber slice = instance.first; slice < instance.first + instance.slices; ++slice) {
      if (!decisions_[slice].used) warn("some frames are not used: " + decisions_[slice].detail);
    }
  }
  return receipt;
}

void StudyLedger::AddScores(SliceNumber slice, SliceScores scores) {
  scores_.emplace(slice, std::move(scores));
}

int StudyLedger::used() const {
  return static_cast<int>(std::count_if(decisions_.begin(), decisions_.end(),
                                        [](const SliceDecision& one) { return one.used; }));
}

int StudyLedger::skipped_instances() const {
  int skipped = 0;
  for (int i = 0; i < instances(); ++i) skipped += ReceiptOf(i).status() == v1::SKIPPED;
  return skipped;
}

const SliceScores* StudyLedger::scores(SliceNumber number) const {
  const auto found = scores_.find(number);
  return found == scores_.end() ? nullptr : &found->second;
}

std::vector<SliceSummary> StudyLedger::Summaries() const {
  std::vector<SliceSummary> summaries;
  summaries.reserve(slices_.size());
  for (const StudySlice& slice : slices_) summaries.push_back(slice.summary);
  return summaries;
}

std::optional<std::vector<SliceNumber>> StudyLedger::pinned() const {
  return as_they_came_ ? std::optional<std::vector<SliceNumber>>(admitted_) : std::nullopt;
}

std::optional<int> StudyLedger::IndexOf(SliceNumber slice) const {
  if (place_of_.empty() || place_of_[slice] < 0) return std::nullopt;
  return place_of_[slice];
}

cv::Mat StudyLedger::LungMaskOf(SliceNumber slice) const {
  const std::optional<int> index = IndexOf(slice);
  if (!index.has_value() || !study_.chosen()->lungs.found) return {};
  return study_.chosen()->lungs.masks[*index];
}

std::vector<const std::vector<float>*> StudyLedger::Features() const {
  std::vector<const std::vector<float>*> features;
  for (const SliceNumber slice : head_to_feet_) {
    if (const SliceScores* one = scores(slice)) features.push_back(&one->features);
  }
  return features;
}

LungCounts StudyLedger::CountsOf(SliceNumber number) const {
  LungCounts counts;
  if (const SliceScores* one = scores(number)) {
    counts = CountAffected(slices_[number], LungMaskOf(number), *one);
  }
  counts.position_mm = slices_[number].summary.position_mm;
  return counts;
}

bool StudyLedger::SkippedADamagedOne() const {
  return std::any_of(instances_.begin(), instances_.end(), [](const Instance& instance) {
    return !instance.status.ok() && MayBeAMissingSlice(SkipReasonOf(instance.status));
  });
}

bool StudyLedger::AllWereNotAxial() const {
  // Of what were images at all.
  bool any = false;
  for (const Instance& instance : instances_) {
    if (instance.status.ok()) return false;
    const SkipReason reason = SkipReasonOf(instance.status);
    any |= reason == SkipReason::kNotAxial;
    if (MayBeAMissingSlice(reason)) return false;
  }
  return any;
}

std::string StudyLedger::WhyNoneIsUsed() const {
  if (instances() == 0) return "no instance came";
  if (others_ == instances()) {
    return absl::StrCat("none of the ", instances(),
                        " instances is of the study that the header's study_instance_uid names; "
                        "name the study that is sent, or none");
  }
  return "no instance could be used; the receipts say why";
}

std::vector<Finding> StudyLedger::Findings() const {
  std::vector<Finding> findings;
  const bool several = census_.IsSeveral();
  if (several) findings.push_back(census_.Describe());
  if (used() == 0 && !several) {
    findings.push_back({StudyReason::kNoUsableInstance, Verdict::kRejected, WhyNoneIsUsed()});
    if (AllWereNotAxial()) {
      findings.push_back({StudyReason::kNoAxialSeries, Verdict::kRejected,
                          "none of the images is axial; send the axial series"});
    }
  }
  findings.insert(findings.end(), study_.findings.begin(), study_.findings.end());
  if (expected_instances_ > 0 && instances() != expected_instances_) {
    const bool fewer = instances() < expected_instances_;
    findings.push_back(
        {fewer ? StudyReason::kFewerInstancesThanExpected : StudyReason::kMoreInstancesThanExpected,
         Verdict::kDegraded,
         absl::StrCat("the header announced ", expected_instances_, " instances, and ", instances(),
                      " came")});
  }
  if (used() > 0 && SkippedADamagedOne()) {
    findings.push_back({StudyReason::kInstancesSkipped, Verdict::kDegraded,
                        "some instances that may be slices of this study could not be used; their "
                        "receipts say why"});
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.verdict > b.verdict; });
  return findings;
}

}  // namespace m3lung
