// SPDX-License-Identifier: Apache-2.0
// The series that a study's slices make up.
#ifndef M3LUNG_PREPROCESS_STUDY_SERIES_H_
#define M3LUNG_PREPROCESS_STUDY_SERIES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// Two positions along the slice normal nearer than this are the same.
inline constexpr double kSamePositionMm = 0.01;

// Whether two slices can stand in one volume: the same series, size, spacing and
// orientation.
bool BelongTogether(const SliceSummary& a, const SliceSummary& b);

// Why a slice has no place beside one that came before it, if it has none.
struct Repetition {
  SkipReason reason;  // kDuplicate, kOtherAcquisition or kDoubledPosition
  std::string detail;
};
// The same pixels, or the same SOP instance uid at the same position, are a
// duplicate; two blank slices at different positions are none. Any other slice at
// the same position is of another acquisition, or doubles the position.
std::optional<Repetition> FindRepetition(const SliceSummary& earlier, const SliceSummary& later);

// Whether two different slices carry the same SOP instance uid: against the
// standard, and seen.
bool ShareUidWrongly(const SliceSummary& a, const SliceSummary& b);

struct LeftOut {
  int slice = 0;  // index into the slices
  SkipReason reason = SkipReason::kDuplicate;
  std::string detail;
};

// Slices that make up one volume.
struct Series {
  std::string uid;
  std::optional<int64_t> acquisition_number;  // where the series was split by it
  std::vector<int> head_to_feet;              // indices into the slices, each position once
  std::vector<LeftOut> left_out;              // belonging here, but repeating others
};

// Every slice ends in one series, in its head_to_feet or its left_out. Series come
// in the order of their first slices. A series whose positions repeat is split by
// acquisition number where that parts the repeated ones. (Step-and-shoot scanners
// number each slice's acquisition, so numbers alone say nothing.)
std::vector<Series> GroupIntoSeries(absl::Span<const SliceSummary> slices);

// How the slices of a series lie.
struct SeriesGeometry {
  double median_spacing_mm = 0;  // 0 for one slice
  double extent_mm = 0;
  int gaps = 0;               // neighbours over 1.5 times the median apart
  int missing_slices = 0;     // that would fill them
  double widest_gap_mm = 0;   // 0 where there is none
  int doubled_positions = 0;  // left out as kDoubledPosition
  double gantry_tilt_degrees = 0;
};

SeriesGeometry GeometryOf(const Series& series, absl::Span<const SliceSummary> slices);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_SERIES_H_
