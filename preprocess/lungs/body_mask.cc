// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/body_mask.h"

#include <algorithm>
#include <cmath>

#include "preprocess/hu_slice.h"

namespace m3lung {
namespace {

constexpr int kTissueHu = -400;
constexpr float kWornMm = 5;         // half the thickness of what counts as thin
constexpr double kLeastPart = 0.03;  // of the thickest part
constexpr float kGapMm = 7;          // half the width that air passes
constexpr int kOutsideHu = -930;     // mean of the border's stretches of outside air
// Largest difference of a round field of view from a circle, in elements.
constexpr double kRoundness = 1.5;

// The thick parts of tissue that make up the body; the largest, and others of a
// size with it, since in few slices a body may fall apart into wall and spine.
VoxelMask ThickParts(const VoxelGrid& grid, const VoxelMask& tissue) {
  VoxelMask thick(grid.size());
  {
    const std::vector<float> depth = DistanceToFalse(grid, tissue, kWornMm);
    for (size_t i = 0; i < thick.size(); ++i) thick[i] = depth[i] > kWornMm;
  }
  VoxelLabels labels;
  const int count = LabelRegions(grid, thick, labels);
  std::vector<size_t> sizes(count + 1);
  for (const int32_t label : labels) ++sizes[label];
  sizes[0] = 0;
  const size_t largest = *std::max_element(sizes.begin(), sizes.end());
  for (size_t i = 0; i < thick.size(); ++i) {
    thick[i] = labels[i] != 0 && sizes[labels[i]] >= kLeastPart * largest;
  }
  return thick;
}

// `mask` with all within `mm` of it.
VoxelMask Grown(const VoxelGrid& grid, const VoxelMask& mask, float mm) {
  VoxelMask rest(mask.size());
  for (size_t i = 0; i < mask.size(); ++i) rest[i] = mask[i] == 0;
  const std::vector<float> away = DistanceToFalse(grid, rest, mm);
  for (size_t i = 0; i < mask.size(); ++i) rest[i] = away[i] <= mm;
  return rest;
}

// Elements of a layer outside a round field of view, and those on its rim, which
// are in part outside: what is exactly air in every slice, where that is the
// outside of a circle; otherwise none.
std::vector<uint8_t> Padding(const VoxelGrid& grid, const VoxelHu& hu) {
  std::vector<uint8_t> padding(grid.layer_size(), 1);
  ForEachElement(grid, [&](size_t i, size_t place) {
    if (hu[i] != kAirHu) padding[place] = 0;
  });
  const auto from_middle = [&](size_t i) {
    return std::hypot((grid.ColumnOf(i) + 0.5) * grid.column_mm - grid.columns * grid.column_mm / 2,
                      (grid.RowOf(i) + 0.5) * grid.row_mm - grid.rows * grid.row_mm / 2);
  };
  double radius = std::hypot(grid.columns * grid.column_mm, grid.rows * grid.row_mm);
  for (size_t i = 0; i < padding.size(); ++i) {
    if (padding[i] != 0) radius = std::min(radius, from_middle(i));
  }
  const double rim = std::max(grid.column_mm, grid.row_mm);
  bool round = radius > 0.4 * std::min(grid.columns * grid.column_mm, grid.rows * grid.row_mm);
  for (size_t i = 0; round && i < padding.size(); ++i) {
    if (from_middle(i) > radius + kRoundness * rim && padding[i] == 0) round = false;
  }
  if (!round) return std::vector<uint8_t>(padding.size());
  for (size_t i = 0; i < padding.size(); ++i) {
    if (from_middle(i) > radius - rim) padding[i] = 1;
  }
  return padding;
}

// Where air comes in: the stretches of the field of view's border, outside the
// tissue, that reach its front or back, where the table may be, or are as thin as
// air on the whole. Lungs that the field cuts at its sides are denser.
VoxelMask AirAtBorder(const VoxelGrid& grid, const VoxelHu& hu, const VoxelMask& wall,
                      const std::vector<uint8_t>& padding) {
  std::vector<uint8_t> is_edge(grid.layer_size());  // of the field of view
  for (size_t place = 0; place < is_edge.size(); ++place) {
    if (padding[place] != 0) continue;
    const int column = grid.ColumnOf(place), row = grid.RowOf(place);
    is_edge[place] = column == 0 || row == 0 || column + 1 == grid.columns ||
                     row + 1 == grid.rows || padding[place - 1] != 0 || padding[place + 1] != 0 ||
                     padding[place - grid.columns] != 0 || padding[place + grid.columns] != 0;
  }
  VoxelMask border(grid.size());
  ForEachElement(grid,
                 [&](size_t i, size_t place) { border[i] = is_edge[place] != 0 && wall[i] == 0; });
  // Padding is as high as it is low.
  const auto inside = std::find(padding.begin(), padding.end(), 0) - padding.begin();
  const int first_row = grid.RowOf(inside), last_row = grid.rows - 1 - first_row;
  VoxelLabels labels;
  const int count = LabelRegions(grid, border, labels);
  std::vector<double> sums(count + 1), sizes(count + 1);
  std::vector<uint8_t> open(count + 1);
  for (size_t i = 0; i < border.size(); ++i) {
    if (labels[i] == 0) continue;
    sums[labels[i]] += hu[i];
    ++sizes[labels[i]];
    if (grid.RowOf(i) <= first_row || grid.RowOf(i) >= last_row) open[labels[i]] = 1;
  }
  for (int label = 1; label <= count; ++label) {
    if (sums[label] < kOutsideHu * sizes[label]) open[label] = 1;
  }
  for (size_t i = 0; i < border.size(); ++i) border[i] &= open[labels[i]];
  return border;
}

}  // namespace

Body FindBody(const VoxelGrid& grid, const VoxelHu& hu) {
  VoxelMask tissue(grid.size());
  for (size_t i = 0; i < tissue.size(); ++i) tissue[i] = hu[i] > kTissueHu;
  Body body;
  body.thick = ThickParts(grid, tissue);
  body.enclosed.resize(grid.size());
  if (std::find(body.thick.begin(), body.thick.end(), 1) == body.thick.end()) return body;

  // Air flows through what is more than half a gap away from tissue, then fills up
  // what it flows by.
  const std::vector<uint8_t> padding = Padding(grid, hu);
  VoxelMask outside = AirAtBorder(grid, hu, tissue, padding);
  {
    VoxelMask& free = tissue;
    for (uint8_t& element : free) element = element == 0;
    const std::vector<float> away = DistanceToFalse(grid, free, kGapMm);
    ForEachElement(
        grid, [&](size_t i, size_t place) { free[i] = away[i] > kGapMm && padding[place] == 0; });
    Flood(grid, free, outside);
  }
  outside = Grown(grid, outside, kGapMm);
  ForEachElement(grid, [&](size_t i, size_t place) {
    body.enclosed[i] = padding[place] == 0 && (outside[i] == 0 || hu[i] > kTissueHu);
  });
  return body;
}

}  // namespace m3lung
