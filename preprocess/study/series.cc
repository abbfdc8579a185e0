// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "preprocess/hu_slice.h"
#include "preprocess/study/repetitions.h"
#include "preprocess/study/slice_places.h"

namespace m3lung {
namespace {

constexpr double kSameSpacingMm = 1e-3;
constexpr double kSameDirection = 0.01;  // of each component of a unit vector

bool Near(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  for (int i = 0; i < 3; ++i) {
    if (std::abs(a[i] - b[i]) > kSameDirection) return false;
  }
  return true;
}

int CountOf(const Series& series, SkipReason reason) {
  return static_cast<int>(
      std::count_if(series.left_out.begin(), series.left_out.end(),
                    [&](const LeftOut& left_out) { return left_out.reason == reason; }));
}

constexpr char kOverlaps[] =
    "lies within another acquisition of the same series; one acquisition is analysed at each place";

// Puts aside what lies at the place of another, in the order sent, and orders the rest.
Series MakeSeries(const Acquisition& one, absl::Span<const SliceSummary> slices) {
  Series series;
  const InstanceHeader& first = slices[one.members.front()].header;
  series.uid = first.series_instance_uid;
  series.told_by = one.told_by;
  if (std::find(one.told_by.begin(), one.told_by.end(), AcquisitionSign::kNumber) !=
      one.told_by.end()) {
    series.acquisition_number = first.acquisition_number;
  }
  Repetitions kept;
  const auto summary_of = [&](int slice) -> const SliceSummary& { return slices[slice]; };
  std::vector<int> used;
  std::vector<double> positions;
  for (const int slice : one.members) {
    if (std::optional<Repetition> repetition = kept.Find(slices[slice], summary_of)) {
      series.left_out.push_back({slice, repetition->reason, std::move(repetition->detail)});
      continue;
    }
    kept.Add(slice, slices[slice]);
    used.push_back(slice);
    positions.push_back(slices[slice].position_mm);
  }
  for (const int slice : one.overlapping) {
    series.left_out.push_back({slice, SkipReason::kOtherAcquisition, kOverlaps});
  }
  for (const int i : OrderHeadToFeet(positions)) series.head_to_feet.push_back(used[i]);
  return series;
}

// The series of slices that belong together, each duplicate beside what it repeats.
std::vector<Series> PartGroup(const std::vector<int>& members,
                              absl::Span<const SliceSummary> slices) {
  Repetitions kept;
  const auto summary_of = [&](int slice) -> const SliceSummary& { return slices[slice]; };
  std::vector<int> distinct;
  std::unordered_map<int, std::vector<LeftOut>> duplicates_of;
  for (const int slice : members) {
    std::optional<Repetition> repetition = kept.Find(slices[slice], summary_of);
    if (repetition.has_value() && repetition->reason == SkipReason::kDuplicate) {
      duplicates_of[repetition->of].push_back(
          {slice, repetition->reason, std::move(repetition->detail)});
      continue;
    }
    kept.Add(slice, slices[slice]);
    distinct.push_back(slice);
  }
  std::vector<Series> all;
  for (const Acquisition& one : PartByAcquisition(distinct, slices)) {
    Series& series = all.emplace_back(MakeSeries(one, slices));
    for (const std::vector<int>* part : {&one.members, &one.overlapping}) {
      for (const int slice : *part) {
        const auto found = duplicates_of.find(slice);
        if (found == duplicates_of.end()) continue;
        series.left_out.insert(series.left_out.end(), found->second.begin(), found->second.end());
      }
    }
  }
  return all;
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

bool BelongTogether(const SliceSummary& a, const SliceSummary& b) {
  return a.header.series_instance_uid == b.header.series_instance_uid && a.size == b.size &&
         std::abs(a.geometry.row_spacing_mm - b.geometry.row_spacing_mm) < kSameSpacingMm &&
         std::abs(a.geometry.column_spacing_mm - b.geometry.column_spacing_mm) < kSameSpacingMm &&
         Near(a.geometry.row_direction, b.geometry.row_direction) &&
         Near(a.geometry.column_direction, b.geometry.column_direction) &&
         // Which of two neighbouring grids, or ways up, a slice has may turn on less
         // than that.
         a.orientation == b.orientation && a.grid.image == b.grid.image &&
         a.grid.row_factor == b.grid.row_factor && a.grid.column_factor == b.grid.column_factor;
}

bool ShareUidWrongly(const SliceSummary& a, const SliceSummary& b) {
  return a.instance != b.instance && !a.header.sop_instance_uid.empty() &&
         a.header.sop_instance_uid == b.header.sop_instance_uid;
}

std::vector<Series> GroupIntoSeries(absl::Span<const SliceSummary> slices) {
  std::vector<std::vector<int>> groups;
  // A group is sought among those of its series uid: few, whatever the study.
  std::unordered_map<std::string, std::vector<size_t>> by_uid;
  for (int slice = 0; slice < static_cast<int>(slices.size()); ++slice) {
    std::vector<size_t>& candidates = by_uid[slices[slice].header.series_instance_uid];
    const auto found = std::find_if(candidates.begin(), candidates.end(), [&](size_t group) {
      return BelongTogether(slices[groups[group].front()], slices[slice]);
    });
    if (found != candidates.end()) {
      groups[*found].push_back(slice);
    } else {
      candidates.push_back(groups.size());
      groups.push_back({slice});
    }
  }
  std::vector<Series> all;
  for (size_t group = 0; group < groups.size(); ++group) {
    for (Series& series : PartGroup(groups[group], slices)) {
      series.group = static_cast<int>(group);
      all.push_back(std::move(series));
    }
  }
  return all;
}

SeriesGeometry GeometryOf(const Series& series, absl::Span<const SliceSummary> slices) {
  SeriesGeometry geometry;
  geometry.doubled_positions = CountOf(series, SkipReason::kDoubledPosition);
  if (series.head_to_feet.empty()) return geometry;
  const SliceSummary& first = slices[series.head_to_feet.front()];
  const SliceSummary& last = slices[series.head_to_feet.back()];
  geometry.gantry_tilt_degrees =
      std::acos(std::clamp(first.geometry.Normal()[2], -1.0, 1.0)) * 180 / M_PI;
  geometry.extent_mm = first.position_mm - last.position_mm;
  std::vector<double> spacings;
  for (size_t i = 1; i < series.head_to_feet.size(); ++i) {
    spacings.push_back(slices[series.head_to_feet[i - 1]].position_mm -
                       slices[series.head_to_feet[i]].position_mm);
  }
  if (spacings.empty()) return geometry;
  geometry.median_spacing_mm = Median(spacings);
  for (const double spacing : spacings) {
    if (spacing <= kGapFactor * geometry.median_spacing_mm) continue;
    ++geometry.gaps;
    geometry.missing_slices += std::max(
        1, static_cast<int>(std::min(1e6, std::round(spacing / geometry.median_spacing_mm) - 1)));
    geometry.widest_gap_mm = std::max(geometry.widest_gap_mm, spacing);
  }
  return geometry;
}

}  // namespace m3lung
