// SPDX-License-Identifier: Apache-2.0
// Which slices a study is made of, and whether they allow an answer.
#ifndef M3LUNG_PREPROCESS_STUDY_STUDY_ASSEMBLER_H_
#define M3LUNG_PREPROCESS_STUDY_STUDY_ASSEMBLER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "preprocess/lungs/lung_volume.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/findings.h"
#include "preprocess/study/series.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// Whether a slice is used.
struct SliceDecision {
  bool used = false;
  SkipReason reason = SkipReason::kOtherSeries;  // where it is not
  std::string detail;                            // likewise, for a person
  std::vector<std::string> warnings;
};

// One series as a candidate for the study.
struct ExaminedSeries {
  Series series;
  SeriesGeometry geometry;
  LungVolume lungs;               // entry i of its masks: slice series.head_to_feet[i]
  std::vector<Finding> findings;  // kOk to kRejected
  std::string detail;             // for a person: why it was, or was not, chosen
};

struct AssembledStudy {
  // The chosen one first; empty where there are no slices.
  std::vector<ExaminedSeries> series;
  // One for each slice given.
  std::vector<SliceDecision> decisions;
  // Of the chosen series, and of the choice.
  std::vector<Finding> findings;
  std::vector<std::string> warnings;  // for a person, no patient data

  const ExaminedSeries* chosen() const { return series.empty() ? nullptr : &series.front(); }
};

// Chooses the series that shows the lungs best, by these rules in this order:
//   1. its pixels are Hounsfield units, and lungs were found in it;
//   2. the better verdict (study/findings.h): lungs covered, no gaps, thin slices;
//   3. original images before derived ones, projections (MIP) last;
//   4. those that show at least 85 % of the lungs' extent in the series that shows most;
//   5. the spacing nearest to 2 mm, which the networks are made for, by a factor of 1.5;
//   6. more slices; then the one whose first slice came first.
// Series without a chance (of under three slices where another has more) are not
// searched for lungs, nor are others than the 16 with most slices.
//
// `pinned`: the slices that are in use already, where slices were answered as they
// came (crop mode `paper`); then these are the study whatever the rules say, and a
// better series is a finding. REQUIRES: they belong together, and none repeats
// another (preprocess/study/series.h).
//
// Deterministic. Time and memory grow with the slices, not with what they say.
AssembledStudy AssembleStudy(absl::Span<const SliceSummary> slices,
                             const std::optional<std::vector<int>>& pinned = std::nullopt);

// The slices of a series as FindLungs() takes them.
LungVolume FindLungsOf(const Series& series, absl::Span<const SliceSummary> slices);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_STUDY_ASSEMBLER_H_
