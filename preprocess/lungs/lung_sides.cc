// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_sides.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/air_regions.h"
#include "preprocess/lungs/lung_volume.h"

namespace m3lung {
namespace {

constexpr double kLargestAirwayCm2 = 8;
constexpr double kAirwayReachMm = 40;      // from the midline
constexpr double kLargestTracheaCm2 = 12;  // with the larynx, and blurred by noise
constexpr double kTracheaReachMm = 25;     // of its middle from the midline
constexpr double kSpeckCm2 = 0.4;          // too small to say anything
constexpr double kAirwayGasShare = 0.35;   // the rest is its wall, in part

constexpr double kSeptumReachMm = 70;
// What a millimetre off the midline costs the septum in a row, in elements of lung.
constexpr double kDetourCost = 0.002;
constexpr double kOneSided = 0.85;

constexpr double kBayMm = 10;  // radius of the disc that closes bays

cv::Mat LayerOf(const VoxelGrid& grid, VoxelMask& mask, int layer) {
  return {grid.rows, grid.columns, CV_8UC1, mask.data() + layer * grid.layer_size()};
}

// Column of the septum in each row of a layer.
std::vector<int> Septum(const VoxelGrid& grid, const int16_t* hu, const uint8_t* lung,
                        double midline_column) {
  const int reach = static_cast<int>(kSeptumReachMm / grid.column_mm);
  const int middle = std::clamp(static_cast<int>(midline_column), 0, grid.columns - 1);
  const int first = std::max(0, middle - reach);
  const int width = std::min(grid.columns, middle + reach + 1) - first;
  const double detour = kDetourCost * grid.column_mm;
  std::vector<double> costs(width), next(width);
  std::vector<int8_t> steps(static_cast<size_t>(grid.rows) * width);
  for (int row = 0; row < grid.rows; ++row) {
    for (int k = 0; k < width; ++k) {
      int best = 0;
      for (const int step : {-1, 1}) {
        if (k + step < 0 || k + step >= width) continue;
        if (costs[k + step] < costs[k + best]) best = step;
      }
      steps[static_cast<size_t>(row) * width + k] = static_cast<int8_t>(best);
      const size_t i = static_cast<size_t>(row) * grid.columns + first + k;
      const double through = lung[i] != 0 ? 1 + std::clamp(-hu[i] / 1000.0, 0.0, 1.0) : 0;
      next[k] = costs[k + best] + through + detour * std::abs(first + k - midline_column);
    }
    std::swap(costs, next);
  }
  std::vector<int> septum(grid.rows);
  int k = static_cast<int>(std::min_element(costs.begin(), costs.end()) - costs.begin());
  for (int row = grid.rows - 1; row >= 0; --row) {
    septum[row] = first + k;
    k += steps[static_cast<size_t>(row) * width + k];
  }
  return septum;
}

}  // namespace

void DropAirways(const VoxelGrid& grid, const VoxelHu& hu, double midline_column, VoxelMask& lung) {
  cv::Mat labels, stats, centroids;
  for (int layer = 0; layer < grid.layers(); ++layer) {
    const cv::Mat mask = LayerOf(grid, lung, layer);
    const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 4, CV_32S);
    std::vector<int> gas(count);
    const size_t begin = layer * grid.layer_size();
    const auto* label = labels.ptr<int>();
    for (size_t i = 0; i < grid.layer_size(); ++i) gas[label[i]] += hu[begin + i] < kGasBelowHu;
    std::vector<uint8_t> airway(count);
    for (int k = 1; k < count; ++k) {
      const int size = stats.at<int>(k, cv::CC_STAT_AREA);
      const double off_mm = std::abs(centroids.at<double>(k, 0) - midline_column) * grid.column_mm;
      airway[k] = size * grid.ElementMm2() < 100 * kLargestAirwayCm2 && off_mm < kAirwayReachMm &&
                  gas[k] >= kAirwayGasShare * size;
    }
    for (size_t i = 0; i < grid.layer_size(); ++i) {
      if (airway[label[i]] != 0) lung[begin + i] = 0;
    }
  }
}

void DropTracheaAbove(const VoxelGrid& grid, double midline_column, VoxelMask& lung) {
  cv::Mat labels, stats, centroids;
  for (int layer = 0; layer < grid.layers(); ++layer) {
    const cv::Mat mask = LayerOf(grid, lung, layer);
    const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 8, CV_32S);
    for (int k = 1; k < count; ++k) {
      const double cm2 = stats.at<int>(k, cv::CC_STAT_AREA) * grid.ElementMm2() / 100;
      const double off_mm = std::abs(centroids.at<double>(k, 0) - midline_column) * grid.column_mm;
      if (cm2 < kSpeckCm2 || (cm2 < kLargestTracheaCm2 && off_mm < kTracheaReachMm)) continue;
      std::fill_n(lung.begin(), layer * grid.layer_size(), 0);
      return;
    }
  }
}

VoxelMask SplitSides(const VoxelGrid& grid, const VoxelHu& hu, const VoxelMask& lung,
                     const VoxelLabels& regions, double midline_column) {
  VoxelMask sides(grid.size());
  for (int layer = 0; layer < grid.layers(); ++layer) {
    const size_t begin = layer * grid.layer_size();
    const std::vector<int> septum =
        Septum(grid, hu.data() + begin, lung.data() + begin, midline_column);
    for (size_t i = begin; i < begin + grid.layer_size(); ++i) {
      if (lung[i] == 0) continue;
      sides[i] = grid.ColumnOf(i) < septum[grid.RowOf(i)] ? kRightLung : kLeftLung;
    }
  }
  const int count = *std::max_element(regions.begin(), regions.end());
  std::vector<double> right(count + 1), all(count + 1);
  for (size_t i = 0; i < sides.size(); ++i) {
    if (sides[i] == kNoLung) continue;
    ++all[regions[i]];
    right[regions[i]] += sides[i] == kRightLung;
  }
  for (size_t i = 0; i < sides.size(); ++i) {
    if (sides[i] == kNoLung || regions[i] == 0) continue;
    const double share = right[regions[i]] / all[regions[i]];
    if (share >= kOneSided) sides[i] = kRightLung;
    if (share <= 1 - kOneSided) sides[i] = kLeftLung;
  }
  return sides;
}

void FillSides(const VoxelGrid& grid, VoxelMask& sides) {
  const int rx = std::max(1, static_cast<int>(std::lround(kBayMm / grid.column_mm)));
  const int ry = std::max(1, static_cast<int>(std::lround(kBayMm / grid.row_mm)));
  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * rx + 1, 2 * ry + 1});
  for (int layer = 0; layer < grid.layers(); ++layer) {
    cv::Mat mask = LayerOf(grid, sides, layer);
    for (const uint8_t side : {kRightLung, kLeftLung}) {
      const cv::Mat lung = mask == side;
      if (cv::countNonZero(lung) == 0) continue;
      cv::Mat filled;  // with a rim, so that the image's border closes nothing
      cv::copyMakeBorder(lung, filled, ry + 1, ry + 1, rx + 1, rx + 1, cv::BORDER_CONSTANT, 0);
      cv::morphologyEx(filled, filled, cv::MORPH_CLOSE, disc);
      cv::Mat around = filled.clone();
      cv::floodFill(around, {0, 0}, 255);
      filled |= ~around;
      const cv::Mat inner = filled({rx + 1, ry + 1, grid.columns, grid.rows});
      mask.setTo(side, inner & (mask == kNoLung));
    }
  }
}

}  // namespace m3lung
