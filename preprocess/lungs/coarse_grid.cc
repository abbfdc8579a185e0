// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "preprocess/lungs/lung_volume.h"

namespace m3lung {
namespace {

constexpr double kElementMm = 2.5;  // aimed at

}  // namespace

CoarseGrid GridFor(cv::Size image, double row_spacing_mm, double column_spacing_mm) {
  const auto factor = [](double spacing_mm) {
    return std::max(1, static_cast<int>(std::lround(kElementMm / spacing_mm)));
  };
  CoarseGrid grid;
  grid.image = image;
  grid.row_factor = factor(row_spacing_mm);
  grid.column_factor = factor(column_spacing_mm);
  grid.row_mm = grid.row_factor * row_spacing_mm;
  grid.column_mm = grid.column_factor * column_spacing_mm;
  return grid;
}

cv::Mat Coarsen(const cv::Mat& hu, const CoarseGrid& grid) {
  cv::Mat coarse(grid.rows(), grid.columns(), CV_16SC1);
  std::vector<int> sums(coarse.cols);
  for (int row = 0; row < coarse.rows; ++row) {
    std::fill(sums.begin(), sums.end(), 0);
    const int first = row * grid.row_factor;
    const int height = std::min(grid.row_factor, hu.rows - first);
    for (int y = first; y < first + height; ++y) {
      const auto* pixel = hu.ptr<int16_t>(y);
      for (int column = 0; column < coarse.cols; ++column) {
        const int end = std::min((column + 1) * grid.column_factor, hu.cols);
        for (int x = column * grid.column_factor; x < end; ++x) sums[column] += pixel[x];
      }
    }
    auto* out = coarse.ptr<int16_t>(row);
    for (int column = 0; column < coarse.cols; ++column) {
      const int width = std::min(grid.column_factor, hu.cols - column * grid.column_factor);
      out[column] = static_cast<int16_t>(std::lround(sums[column] / (1.0 * width * height)));
    }
  }
  return coarse;
}

}  // namespace m3lung
