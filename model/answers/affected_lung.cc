// SPDX-License-Identifier: Apache-2.0
#include "model/answers/affected_lung.h"

#include <algorithm>
#include <cmath>

#include "model/answers/lesion_threshold.h"

namespace m3lung {
namespace {

// The map at a point in cells, their centres at whole numbers, bilinear and
// constant beyond the outermost centres.
float Sample(const LocationMap& map, double row, double column) {
  const double y = std::clamp(row, 0.0, map.rows - 1.0);
  const double x = std::clamp(column, 0.0, map.columns - 1.0);
  const int top = static_cast<int>(y), left = static_cast<int>(x);
  const int bottom = std::min(top + 1, map.rows - 1), right = std::min(left + 1, map.columns - 1);
  const double down = y - top, across = x - left;
  const auto at = [&](int r, int c) { return map.values[size_t(r) * map.columns + c]; };
  return static_cast<float>((1 - down) * ((1 - across) * at(top, left) + across * at(top, right)) +
                            down * ((1 - across) * at(bottom, left) + across * at(bottom, right)));
}

// Of element `index`, in pixels; the last one may be cut short by the image's end.
double Middle(int index, int factor, int size) {
  return (index * factor + std::min((index + 1) * factor, size)) / 2.0;
}

std::optional<float> ShareOf(int64_t affected, int64_t lung) {
  if (lung == 0) return std::nullopt;
  return static_cast<float>(static_cast<double>(affected) / static_cast<double>(lung));
}

int64_t Both(const std::array<int64_t, 3>& counts) {
  return counts[kRightLung] + counts[kLeftLung];
}

struct Sum {
  int64_t affected = 0, lung = 0;
  void Add(int64_t more_affected, int64_t more_lung) {
    affected += more_affected;
    lung += more_lung;
  }
  std::optional<float> Share() const { return ShareOf(affected, lung); }
};

}  // namespace

std::optional<float> LungCounts::Share() const { return ShareOf(Both(affected), Both(lung)); }

LungCounts CountAffected(const cv::Mat& mask, const CoarseGrid& grid, const cv::Rect& box,
                         const SliceScores& scores) {
  LungCounts counts;
  const LocationMap& map = scores.map;
  const bool has_lesions = scores.lesion_probability > kLesionThreshold && !map.values.empty();
  for (int i = 0; i < mask.rows; ++i) {
    const uint8_t* row = mask.ptr<uint8_t>(i);
    for (int j = 0; j < mask.cols; ++j) {
      if (row[j] == kNoLung) continue;
      ++counts.lung[row[j]];
      if (!has_lesions) continue;
      // The element's middle, in pixels and then in the map's cells.
      const double y = Middle(i, grid.row_factor, grid.image.height) - box.y;
      const double x = Middle(j, grid.column_factor, grid.image.width) - box.x;
      if (y < 0 || x < 0 || y >= box.height || x >= box.width) continue;
      const float value =
          Sample(map, y / box.height * map.rows - 0.5, x / box.width * map.columns - 0.5);
      counts.affected[row[j]] += value >= kAffectedMapLevel;
    }
  }
  return counts;
}

std::optional<AffectedLung> SumAffected(absl::Span<const LungCounts> slices) {
  std::vector<const LungCounts*> with_lung;
  for (const LungCounts& slice : slices) {
    if (Both(slice.lung) > 0) with_lung.push_back(&slice);
  }
  if (with_lung.empty()) return std::nullopt;
  const double top = with_lung.front()->position_mm;
  const double height = top - with_lung.back()->position_mm;
  Sum whole, right, left;
  std::array<Sum, 3> thirds;
  for (const LungCounts* slice : with_lung) {
    whole.Add(Both(slice->affected), Both(slice->lung));
    right.Add(slice->affected[kRightLung], slice->lung[kRightLung]);
    left.Add(slice->affected[kLeftLung], slice->lung[kLeftLung]);
    const double level = height > 0 ? (top - slice->position_mm) / height : 0;
    thirds[std::clamp(static_cast<int>(level * 3), 0, 2)].Add(Both(slice->affected),
                                                              Both(slice->lung));
  }
  return AffectedLung{.whole = *whole.Share(),
                      .left = left.Share(),
                      .right = right.Share(),
                      .upper_third = thirds[0].Share(),
                      .middle_third = thirds[1].Share(),
                      .lower_third = thirds[2].Share()};
}

}  // namespace m3lung
