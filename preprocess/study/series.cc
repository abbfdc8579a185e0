// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/slice_order.h"

namespace m3lung {
namespace {

constexpr double kSameSpacingMm = 1e-3;
constexpr double kSameDirection = 0.01;  // of each component of a unit vector
constexpr double kGapFactor = 1.5;       // of the median spacing
// Acquisitions are taken apart where they repeat at least this share of the
// positions, and the largest of them has at least that share of the whole.
constexpr double kRepeatedShare = 0.2;
constexpr double kWholeShare = 0.4;

bool Near(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  for (int i = 0; i < 3; ++i) {
    if (std::abs(a[i] - b[i]) > kSameDirection) return false;
  }
  return true;
}

bool SamePosition(const SliceSummary& a, const SliceSummary& b) {
  return std::abs(a.position_mm - b.position_mm) < kSamePositionMm;
}

// Slices whose positions may be the same lie in the same or a neighbouring cell.
int64_t PositionCell(double position_mm) {
  return static_cast<int64_t>(std::floor(position_mm / kSamePositionMm));
}

// The members of a series so far, found by what a repetition would share.
class Members {
 public:
  explicit Members(absl::Span<const SliceSummary> slices) : slices_(slices) {}

  std::optional<Repetition> FindRepetitionOf(int slice) const {
    const SliceSummary& one = slices_[slice];
    if (const auto same = by_digest_.find(one.pixel_digest); same != by_digest_.end()) {
      if (auto found = FindRepetition(slices_[same->second], one)) return found;
    }
    const int64_t cell = PositionCell(one.position_mm);
    for (int64_t near = cell - 1; near <= cell + 1; ++near) {
      const auto same = by_position_.find(near);
      if (same == by_position_.end()) continue;
      if (auto found = FindRepetition(slices_[same->second], one)) return found;
    }
    return std::nullopt;
  }

  void Add(int slice) {
    by_digest_.emplace(slices_[slice].pixel_digest, slice);
    by_position_.emplace(PositionCell(slices_[slice].position_mm), slice);
  }

 private:
  const absl::Span<const SliceSummary> slices_;
  std::unordered_map<uint64_t, int> by_digest_;
  std::unordered_map<int64_t, int> by_position_;
};

// Puts aside what repeats, in the order sent, and orders the rest.
Series MakeSeries(const std::vector<int>& members, absl::Span<const SliceSummary> slices) {
  Series series;
  series.uid = slices[members.front()].header.series_instance_uid;
  Members kept(slices);
  std::vector<int> used;
  std::vector<double> positions;
  for (const int slice : members) {
    if (std::optional<Repetition> repetition = kept.FindRepetitionOf(slice)) {
      series.left_out.push_back({slice, repetition->reason, std::move(repetition->detail)});
      continue;
    }
    kept.Add(slice);
    used.push_back(slice);
    positions.push_back(slices[slice].position_mm);
  }
  for (const int i : OrderHeadToFeet(positions)) series.head_to_feet.push_back(used[i]);
  return series;
}

int CountOf(const Series& series, SkipReason reason) {
  return static_cast<int>(
      std::count_if(series.left_out.begin(), series.left_out.end(),
                    [&](const LeftOut& left_out) { return left_out.reason == reason; }));
}

// The members by acquisition, where these repeat each other's positions. Where they
// only overlap a little they follow one another and are one volume, as they are
// where each slice has a number of its own.
std::vector<Series> MakeSeriesByAcquisition(const std::vector<int>& members,
                                            absl::Span<const SliceSummary> slices) {
  std::vector<Series> whole;
  whole.push_back(MakeSeries(members, slices));
  const size_t positions = whole.front().head_to_feet.size();
  if (CountOf(whole.front(), SkipReason::kOtherAcquisition) < kRepeatedShare * positions) {
    return whole;
  }
  std::map<std::optional<int64_t>, std::vector<int>> by_number;
  for (const int slice : members) {
    by_number[slices[slice].header.acquisition_number].push_back(slice);
  }
  std::vector<Series> parts;
  size_t largest = 0;
  for (const auto& [number, part] : by_number) {
    parts.push_back(MakeSeries(part, slices));
    parts.back().acquisition_number = number;
    largest = std::max(largest, parts.back().head_to_feet.size());
  }
  return largest < kWholeShare * positions ? whole : parts;
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
  if (earlier.header.acquisition_number != later.header.acquisition_number) {
    return Repetition{SkipReason::kOtherAcquisition,
                      "lies where a slice of another acquisition of the same series lies; one "
                      "acquisition is analysed"};
  }
  return Repetition{SkipReason::kDoubledPosition,
                    "lies where another slice of the same series lies; the first one is used"};
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
  for (const std::vector<int>& group : groups) {
    for (Series& series : MakeSeriesByAcquisition(group, slices)) all.push_back(std::move(series));
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
