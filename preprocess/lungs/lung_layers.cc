// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_layers.h"

#include <algorithm>
#include <cmath>

namespace m3lung {
namespace {

constexpr double kLayerMm = 1.8;
constexpr double kJoinedMm = 12;        // longest way from a layer to one joined to it
constexpr double kLoneThicknessMm = 1;  // of a layer without neighbours
constexpr double kLongestGap = 2;       // a layer reaches this many usual distances at most

// Each layer reaches half the way to its neighbours, at most half a long gap.
std::vector<double> Thickness(const std::vector<double>& depth_mm) {
  std::vector<double> gaps;
  for (size_t i = 1; i < depth_mm.size(); ++i) gaps.push_back(depth_mm[i] - depth_mm[i - 1]);
  if (gaps.empty()) return std::vector<double>(depth_mm.size(), kLoneThicknessMm);
  std::vector<double> sorted = gaps;
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const double longest = kLongestGap * sorted[sorted.size() / 2];
  for (double& gap : gaps) gap = std::min(gap, longest);
  std::vector<double> thickness(depth_mm.size());
  for (size_t i = 0; i < thickness.size(); ++i) {
    const double above = i > 0 ? gaps[i - 1] : gaps[i];
    const double below = i < gaps.size() ? gaps[i] : gaps[i - 1];
    thickness[i] = (above + below) / 2;
  }
  return thickness;
}

}  // namespace

LungLayers StackLayers(absl::Span<const cv::Mat> coarse, absl::Span<const double> positions_mm,
                       const CoarseGrid& grid) {
  LungLayers layers;
  layers.grid.columns = grid.columns();
  layers.grid.rows = grid.rows();
  layers.grid.column_mm = grid.column_mm;
  layers.grid.row_mm = grid.row_mm;
  std::vector<int> sums(layers.grid.layer_size());
  for (size_t first = 0, end = 0; first < coarse.size(); first = end) {
    std::fill(sums.begin(), sums.end(), 0);
    double position = 0;
    while (end < coarse.size() &&
           (end == first || positions_mm[first] - positions_mm[end] < kLayerMm)) {
      for (int row = 0; row < layers.grid.rows; ++row) {
        const auto* hu = coarse[end].ptr<int16_t>(row);
        int* sum = sums.data() + static_cast<size_t>(row) * layers.grid.columns;
        for (int column = 0; column < layers.grid.columns; ++column) sum[column] += hu[column];
      }
      position += positions_mm[end];
      layers.layer_of_slice.push_back(layers.grid.layers());
      ++end;
    }
    const auto count = static_cast<int>(end - first);
    for (const int sum : sums) {
      layers.hu.push_back(static_cast<int16_t>(std::lround(static_cast<double>(sum) / count)));
    }
    layers.grid.depth_mm.push_back(-position / count);
  }
  layers.grid.thickness_mm = Thickness(layers.grid.depth_mm);
  for (int i = 0; i < layers.grid.layers(); ++i) {
    layers.grid.joins_next.push_back(i + 1 < layers.grid.layers() &&
                                     layers.grid.depth_mm[i + 1] - layers.grid.depth_mm[i] <=
                                         kJoinedMm);
  }
  return layers;
}

}  // namespace m3lung
