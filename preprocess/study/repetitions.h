// SPDX-License-Identifier: Apache-2.0
// Slices that have no place beside others of their series.
#ifndef M3LUNG_PREPROCESS_STUDY_REPETITIONS_H_
#define M3LUNG_PREPROCESS_STUDY_REPETITIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "preprocess/skip_reason.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// Why a slice has no place beside one that came before it, if it has none.
struct Repetition {
  SkipReason reason;  // kDuplicate, kOtherAcquisition or kDoubledPosition
  std::string detail;
  int of = -1;  // the earlier slice's number, where it has one
};

// The same pixels, or the same SOP instance uid at the same position, are a
// duplicate; two blank slices at different positions are none. Any other slice at
// the same position is of another acquisition, or doubles the position.
std::optional<Repetition> FindRepetition(const SliceSummary& earlier, const SliceSummary& later);

// Slices by what a repetition would share. The caller keeps the summaries.
class Repetitions {
 public:
  using SummaryOf = std::function<const SliceSummary&(int slice)>;

  // Whether `one` repeats a slice added before. Takes a time that does not grow with them.
  std::optional<Repetition> Find(const SliceSummary& one, const SummaryOf& summary_of) const;
  void Add(int slice, const SliceSummary& one);

 private:
  std::unordered_map<uint64_t, int> by_digest_;
  std::unordered_map<int64_t, int> by_position_;
};

// The slices of a study that are used as they come, before it is known which others will.
class Arrivals {
 public:
  // Why the slice cannot be used beside those that were: it repeats one, is reconstructed in
  // another way than the first one, or lies within the first one's acquisition and is of another.
  // Slices of two acquisitions that come in turns may pass; they are told when all have come.
  // REQUIRES: it belongs together with the first one (preprocess/study/series.h).
  std::optional<Repetition> Refuse(const SliceSummary& one,
                                   const Repetitions::SummaryOf& summary_of) const;
  void Add(int slice, const SliceSummary& one);

 private:
  // From the lowest to the highest position.
  struct Range {
    double low = 0;
    double high = 0;
    void Add(double position_mm);
    bool HasWithin(double position_mm) const;
  };

  Repetitions repetitions_;
  std::optional<InstanceHeader> first_;
  Range same_number_, same_time_;  // of slices with the first one's
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_REPETITIONS_H_
