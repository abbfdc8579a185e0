// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/repetitions.h"

#include <algorithm>
#include <cmath>

#include "preprocess/study/acquisitions.h"
#include "preprocess/study/slice_places.h"

namespace m3lung {
namespace {

bool SamePosition(const SliceSummary& a, const SliceSummary& b) {
  return std::abs(a.position_mm - b.position_mm) < kSamePositionMm;
}

// Slices whose positions may be the same lie in the same or a neighbouring cell.
int64_t PositionCell(double position_mm) {
  return static_cast<int64_t>(std::floor(position_mm / kSamePositionMm));
}

}  // namespace

std::optional<Repetition> FindRepetition(const SliceSummary& earlier, const SliceSummary& later) {
  const bool same_position = SamePosition(earlier, later);
  const std::string& uid = later.header.sop_instance_uid;
  if (earlier.pixel_digest == later.pixel_digest && (same_position || !later.blank)) {
    return Repetition{SkipReason::kDuplicate,
                      "holds the same pixels as a slice that came before; send each once"};
  }
  if (!same_position) return std::nullopt;
  const bool same_instance = earlier.instance == later.instance;
  if (!same_instance && !uid.empty() && uid == earlier.header.sop_instance_uid) {
    return Repetition{SkipReason::kDuplicate,
                      "an instance with the same SOP instance uid and position came before; send "
                      "each once"};
  }
  if (earlier.header.acquisition_number != later.header.acquisition_number ||
      !ReconstructedAlike(earlier.header, later.header)) {
    return Repetition{SkipReason::kOtherAcquisition,
                      "lies where a slice of another acquisition of the same series lies; one "
                      "acquisition is analysed"};
  }
  return Repetition{SkipReason::kDoubledPosition,
                    "lies where another slice of the same series lies; the first one is used"};
}

std::optional<Repetition> Repetitions::Find(const SliceSummary& one,
                                            const SummaryOf& summary_of) const {
  const auto repetition_of = [&](int slice) {
    std::optional<Repetition> found = FindRepetition(summary_of(slice), one);
    if (found.has_value()) found->of = slice;
    return found;
  };
  if (const auto same = by_digest_.find(one.pixel_digest); same != by_digest_.end()) {
    if (auto found = repetition_of(same->second)) return found;
  }
  const int64_t cell = PositionCell(one.position_mm);
  for (int64_t near = cell - 1; near <= cell + 1; ++near) {
    const auto same = by_position_.find(near);
    if (same == by_position_.end()) continue;
    if (auto found = repetition_of(same->second)) return found;
  }
  return std::nullopt;
}

void Repetitions::Add(int slice, const SliceSummary& one) {
  by_digest_.emplace(one.pixel_digest, slice);
  by_position_.emplace(PositionCell(one.position_mm), slice);
}

void Arrivals::Range::Add(double position_mm) {
  low = std::min(low, position_mm);
  high = std::max(high, position_mm);
}

bool Arrivals::Range::HasWithin(double position_mm) const {
  return low < position_mm && position_mm < high;
}

std::optional<Repetition> Arrivals::Refuse(const SliceSummary& one,
                                           const Repetitions::SummaryOf& summary_of) const {
  if (!first_.has_value()) return std::nullopt;
  if (auto repetition = repetitions_.Find(one, summary_of)) return repetition;
  const bool other_number = one.header.acquisition_number != first_->acquisition_number;
  const bool other_time = one.header.acquisition_time != first_->acquisition_time;
  if (!ReconstructedAlike(*first_, one.header) ||
      (other_number && same_number_.HasWithin(one.position_mm)) ||
      (other_time && same_time_.HasWithin(one.position_mm))) {
    return Repetition{SkipReason::kOtherAcquisition,
                      "belongs to another acquisition or reconstruction of the series than the "
                      "study's first image; send each as a study of its own, or ask for crop mode "
                      "VOLUME, which chooses one"};
  }
  return std::nullopt;
}

void Arrivals::Add(int slice, const SliceSummary& one) {
  repetitions_.Add(slice, one);
  if (!first_.has_value()) {
    first_ = one.header;
    same_number_ = same_time_ = {one.position_mm, one.position_mm};
  }
  if (one.header.acquisition_number == first_->acquisition_number) {
    same_number_.Add(one.position_mm);
  }
  if (one.header.acquisition_time == first_->acquisition_time) same_time_.Add(one.position_mm);
}

}  // namespace m3lung
