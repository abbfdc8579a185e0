// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/air_regions.h"

#include <algorithm>

namespace m3lung {
namespace {

constexpr int kAirBelowHu = -500;
constexpr float kCoreMm = 4.5;             // half the width of the ways that part regions
constexpr double kGasShare = 0.8;          // of gas; the worst emphysema seen has 0.5
constexpr double kLungMeanBelowHu = -600;  // stool with its bubbles is denser
// The front wall of a slender chest is thin but for the breastbone; the back is not.
constexpr double kCoveredInFront = 0.03;
constexpr double kCoveredBehind = 0.3;
constexpr double kLeastLungCm2 = 15;
constexpr double kLeastLungMl = 100;  // of all lung, in a study longer than this:
constexpr double kLongStudyMm = 80;
constexpr double kLeastIslandMl = 5;
constexpr double kLeastIslandCm2 = 3;

void Measure(const VoxelGrid& grid, const VoxelLabels& labels, std::vector<AirRegion>& regions) {
  std::vector<int> in_layer(regions.size());
  for (int layer = 0; layer < grid.layers(); ++layer) {
    std::fill(in_layer.begin(), in_layer.end(), 0);
    for (size_t i = layer * grid.layer_size(); i < (layer + 1) * grid.layer_size(); ++i) {
      if (labels[i] != 0) ++in_layer[labels[i] - 1];
    }
    for (size_t k = 0; k < regions.size(); ++k) {
      if (in_layer[k] == 0) continue;
      AirRegion& region = regions[k];
      const double cm2 = in_layer[k] * grid.ElementMm2() / 100;
      if (region.volume_ml == 0) region.first_layer = layer;
      region.last_layer = layer;
      region.largest_cm2 = std::max(region.largest_cm2, cm2);
      region.volume_ml += cm2 * grid.thickness_mm[layer] / 10;
    }
  }
}

void MeasureCover(const VoxelGrid& grid, const VoxelMask& thick, const VoxelLabels& labels,
                  std::vector<AirRegion>& regions) {
  std::vector<int> sizes(regions.size());
  for (int layer = 0; layer < grid.layers(); ++layer) {
    for (int column = 0; column < grid.columns; ++column) {
      const size_t top = layer * grid.layer_size() + column;
      int first = grid.rows, last = -1;
      for (int row = 0; row < grid.rows; ++row) {
        if (thick[top + static_cast<size_t>(row) * grid.columns] == 0) continue;
        first = std::min(first, row);
        last = row;
      }
      for (int row = 0; row < grid.rows; ++row) {
        const int32_t label = labels[top + static_cast<size_t>(row) * grid.columns];
        if (label == 0) continue;
        ++sizes[label - 1];
        if (column == 0 || row == 0 || column + 1 == grid.columns || row + 1 == grid.rows) {
          regions[label - 1].at_border = true;
        }
        regions[label - 1].covered_in_front += row > first;
        regions[label - 1].covered_behind += row < last;
      }
    }
  }
  for (size_t k = 0; k < regions.size(); ++k) {
    regions[k].covered_in_front /= sizes[k];
    regions[k].covered_behind /= sizes[k];
  }
}

// Also through layers that are not joined.
void FindContacts(const VoxelGrid& grid, const VoxelLabels& labels,
                  std::vector<AirRegion>& regions) {
  const auto add = [&](int32_t label, int32_t other) {
    std::vector<int>& touches = regions[label - 1].touches;
    const auto place = std::lower_bound(touches.begin(), touches.end(), other - 1);
    if (place == touches.end() || *place != other - 1) touches.insert(place, other - 1);
  };
  const auto touch = [&](size_t i, size_t j) {
    if (j >= labels.size() || labels[j] == 0 || labels[j] == labels[i]) return;
    add(labels[i], labels[j]);
    add(labels[j], labels[i]);
  };
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == 0) continue;
    if (grid.ColumnOf(i) + 1 < grid.columns) touch(i, i + 1);
    if (grid.RowOf(i) + 1 < grid.rows) touch(i, i + grid.columns);
    touch(i, i + grid.layer_size());
  }
}

}  // namespace

AirRegions FindAirRegions(const VoxelGrid& grid, const VoxelHu& hu, const Body& body) {
  VoxelMask mask(grid.size());
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = body.enclosed[i] != 0 && hu[i] < kAirBelowHu;
  const std::vector<float> depth = DistanceToFalse(grid, mask, kCoreMm);
  VoxelMask cores(grid.size());
  for (size_t i = 0; i < cores.size(); ++i) cores[i] = depth[i] > kCoreMm;

  AirRegions air;
  const int count = LabelRegions(grid, cores, air.labels);
  air.regions.resize(count);
  std::vector<double> sizes(count);
  for (size_t i = 0; i < cores.size(); ++i) {
    if (cores[i] == 0) continue;
    const int32_t k = air.labels[i] - 1;
    ++sizes[k];
    air.regions[k].gas_share += hu[i] < kGasBelowHu;
    air.regions[k].mean_hu += hu[i];
  }
  for (int k = 0; k < count; ++k) {
    air.regions[k].gas_share /= sizes[k];
    air.regions[k].mean_hu /= sizes[k];
  }
  GrowRegions(grid, mask, depth, air.labels);
  Measure(grid, air.labels, air.regions);
  MeasureCover(grid, body.thick, air.labels, air.regions);
  FindContacts(grid, air.labels, air.regions);
  return air;
}

std::vector<bool> LungRegions(const VoxelGrid& grid, const std::vector<AirRegion>& regions) {
  const auto in_body = [](const AirRegion& region) {
    return region.covered_in_front >= kCoveredInFront && region.covered_behind >= kCoveredBehind;
  };
  const auto gas = [](const AirRegion& region) { return region.gas_share >= kGasShare; };

  std::vector<bool> lung(regions.size());
  std::vector<int> open;
  double volume_ml = 0;
  int first = grid.layers(), last = -1;
  for (size_t k = 0; k < regions.size(); ++k) {
    const AirRegion& region = regions[k];
    if (!in_body(region) || gas(region) || region.mean_hu > kLungMeanBelowHu ||
        region.largest_cm2 < kLeastLungCm2) {
      continue;
    }
    lung[k] = true;
    open.push_back(static_cast<int>(k));
    volume_ml += region.volume_ml;
    first = std::min(first, region.first_layer);
    last = std::max(last, region.last_layer);
  }
  const bool long_study = grid.depth_mm.back() - grid.depth_mm.front() > kLongStudyMm;
  if (open.empty() || (long_study && volume_ml < kLeastLungMl)) {
    return std::vector<bool>(regions.size(), false);
  }

  // What hangs together with lung and is no gas; islands of air in consolidated
  // lung, which lie above the reach of the bowel; large bullae and pneumothoraces,
  // which begin above it.
  for (size_t k = 0; k < regions.size(); ++k) {
    const AirRegion& region = regions[k];
    if (lung[k] || !in_body(region) || region.first_layer > (first + last) / 2) continue;
    const bool island = !gas(region) && region.volume_ml >= kLeastIslandMl &&
                        region.largest_cm2 >= kLeastIslandCm2 && !region.at_border &&
                        region.first_layer >= first && region.last_layer <= (first + 2 * last) / 3;
    const bool bulla = gas(region) && region.largest_cm2 >= kLeastLungCm2 &&
                       grid.depth_mm[last] - grid.depth_mm[first] >= kLongStudyMm;
    if (!island && !bulla) continue;
    lung[k] = true;
    open.push_back(static_cast<int>(k));
  }
  while (!open.empty()) {
    const int k = open.back();
    open.pop_back();
    for (const int other : regions[k].touches) {
      if (lung[other] || gas(regions[other]) || !in_body(regions[other])) continue;
      lung[other] = true;
      open.push_back(other);
    }
  }
  return lung;
}

}  // namespace m3lung
