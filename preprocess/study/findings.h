// SPDX-License-Identifier: Apache-2.0
// What speaks against an answer about the patient: the gates that a study passes
// before its slices are scored.
#ifndef M3LUNG_PREPROCESS_STUDY_FINDINGS_H_
#define M3LUNG_PREPROCESS_STUDY_FINDINGS_H_

#include <string>
#include <vector>

#include "preprocess/lungs/lung_volume.h"
#include "preprocess/study/series.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// Each has its namesake in the API's enum StudyReason (proto/m3lung/v1/results.proto).
enum class StudyReason {
  kNoUsableInstance = 1,
  kFewerInstancesThanExpected,
  kMoreInstancesThanExpected,
  kInstancesSkipped,
  kNotHounsfield,
  kNoLungsFound,
  kNoAxialSeries,
  kTooFewLungSlices,
  kSlicesMissing,
  kLungsNotCovered,
  kSpacingTooWide,
  kPositionsDoubled,
  kBetterSeriesSkipped,
};

// What a finding makes of the study, rising.
enum class Verdict {
  kOk = 1,
  kDegraded,   // answered, with less certainty
  kAbstained,  // slices are answered, the patient is not
  kRejected,   // nothing is analysed
};

struct Finding {
  StudyReason reason;
  Verdict verdict;
  std::string detail;  // for a person: what was found, what to do
};

// kOk where there is none.
Verdict WorstVerdict(const std::vector<Finding>& findings);

// The bounds of the gates, set by reason and not fitted (docs/adr/0008-study-assembly.md).
struct GateLimits {
  // Air and lung among all pixels that a scanner measured; fat, water and muscle
  // among those of them that are neither, so that a wide field of view around a
  // slender patient changes nothing.
  double min_air_share = 0.03;
  double min_tissue_share = 0.3;
  int min_lung_slices = 8;
  double min_lung_extent_mm = 60;  // between the first and the last slice with lung
  // Of the slices that should be there.
  double max_missing_share = 0.1;
  double max_gap_mm = 30;
  // Median spacing beyond which the verdict is kDegraded, and kAbstained.
  double wide_spacing_mm = 10;
  double max_spacing_mm = 25;
};

// Findings about one series; its lungs are those that FindLungs() gave for it.
std::vector<Finding> CheckSeries(const Series& series, absl::Span<const SliceSummary> slices,
                                 const SeriesGeometry& geometry, const LungVolume& lungs,
                                 const GateLimits& limits = {});

// Whether the pixels are Hounsfield units, from all slices of a series together.
bool LooksLikeHounsfield(const HounsfieldCounts& counts, const GateLimits& limits = {});

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_FINDINGS_H_
