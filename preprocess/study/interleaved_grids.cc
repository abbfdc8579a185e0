// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/interleaved_grids.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "preprocess/study/slice_places.h"

namespace m3lung {
namespace {

constexpr size_t kFewestSlices = 4;   // of a grid
constexpr double kFewestShare = 0.2;  // of all
constexpr double kOffGrid = 0.1;      // that a slice may lie off its grid, in spacings
constexpr double kFromMiddle = 0.08;  // that one grid lies off the middle of the other, at least
// Changes from one grid to the other for each slice of the smaller, where they lie within one
// another and do not follow one another.
constexpr double kChanges = 0.4;

// How many spacings lie between two positions, and how far that is from a whole number.
struct Steps {
  double whole = 0;
  double off = 0;
};

Steps StepsBetween(double below, double above, double spacing) {
  const double steps = (above - below) / spacing;
  return {std::round(steps), std::abs(steps - std::round(steps))};
}

bool IsOnGrid(const Steps& steps) { return steps.whole >= 1 && steps.off <= kOffGrid; }

// To which all differences of the positions are rounded, as far as that can be seen.
double RoundedToMm(const std::vector<double>& sorted) {
  for (const double unit : {1.0, 0.5, 0.1, 0.05}) {
    const bool rounded = std::all_of(sorted.begin(), sorted.end(), [&](double position) {
      const double units = (position - sorted.front()) / unit;
      return std::abs(units - std::round(units)) < 1e-4;
    });
    if (rounded) return unit;
  }
  return 0.01;
}

double SpacingOf(const std::vector<double>& sorted) {
  std::vector<double> spacings;
  for (size_t i = 2; i < sorted.size(); ++i) spacings.push_back(sorted[i] - sorted[i - 2]);
  const auto middle = spacings.begin() + static_cast<int64_t>(spacings.size() / 2);
  std::nth_element(spacings.begin(), middle, spacings.end());
  return *middle;
}

// Which of `sorted` are of the second grid; nothing where one is of neither.
std::optional<std::vector<bool>> Follow(const std::vector<double>& sorted, double spacing) {
  std::vector<bool> second(sorted.size());
  double last[2] = {sorted.front(), 0};
  bool has_second = false;
  for (size_t i = 1; i < sorted.size(); ++i) {
    const Steps from_first = StepsBetween(last[0], sorted[i], spacing);
    const Steps from_second = StepsBetween(last[1], sorted[i], spacing);
    if (!has_second) {
      has_second = second[i] = !IsOnGrid(from_first);
    } else {
      const bool of_first = IsOnGrid(from_first), of_second = IsOnGrid(from_second);
      if (!of_first && !of_second) return std::nullopt;
      second[i] = of_second && (!of_first || from_second.off < from_first.off);
    }
    last[second[i] ? 1 : 0] = sorted[i];
  }
  return second;
}

// How far the second grid lies above the first, as a share of the spacing; nothing where that is
// not the same throughout.
std::optional<double> OffsetOf(const std::vector<double>& sorted, const std::vector<bool>& second,
                               double spacing) {
  std::optional<double> offset;
  double last_of_first = sorted.front();
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (!second[i]) {
      last_of_first = sorted[i];
      continue;
    }
    const double steps = (sorted[i] - last_of_first) / spacing;
    const double share = steps - std::floor(steps);
    if (!offset.has_value()) offset = share;
    if (std::abs(share - *offset) > 2 * kOffGrid) return std::nullopt;
  }
  return offset;
}

}  // namespace

std::optional<std::vector<bool>> FindInterleavedGrids(const std::vector<double>& positions_mm) {
  std::vector<size_t> order(positions_mm.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return positions_mm[a] < positions_mm[b]; });
  std::vector<double> sorted;  // each place once
  std::vector<size_t> place_of(order.size());
  for (const size_t i : order) {
    if (sorted.empty() || positions_mm[i] - sorted.back() >= kSamePositionMm) {
      sorted.push_back(positions_mm[i]);
    }
    place_of[i] = sorted.size() - 1;
  }
  if (sorted.size() < 2 * kFewestSlices) return std::nullopt;
  const double spacing = SpacingOf(sorted);
  const std::optional<std::vector<bool>> second = Follow(sorted, spacing);
  if (!second.has_value()) return std::nullopt;

  const auto of_second = static_cast<size_t>(std::count(second->begin(), second->end(), true));
  const size_t fewer = std::min(of_second, sorted.size() - of_second);
  size_t changes = 0;
  for (size_t i = 1; i < sorted.size(); ++i) changes += (*second)[i] != (*second)[i - 1];
  if (fewer < kFewestSlices || static_cast<double>(fewer) < kFewestShare * sorted.size() ||
      static_cast<double>(changes) < kChanges * static_cast<double>(fewer)) {
    return std::nullopt;
  }
  const std::optional<double> offset = OffsetOf(sorted, *second, spacing);
  if (!offset.has_value()) return std::nullopt;
  const double from_middle = std::abs(*offset - 0.5);
  if (from_middle <= kFromMiddle || 2 * from_middle * spacing <= RoundedToMm(sorted) + 1e-3) {
    return std::nullopt;
  }
  std::vector<bool> result(positions_mm.size());
  for (size_t i = 0; i < result.size(); ++i) result[i] = (*second)[place_of[i]];
  return result;
}

}  // namespace m3lung
