// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_volume.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/air_regions.h"
#include "preprocess/lungs/body_mask.h"
#include "preprocess/lungs/lung_layers.h"
#include "preprocess/lungs/lung_sides.h"

namespace m3lung {
namespace {

constexpr double kMarginMm = 10;
constexpr double kLeastCm2 = 0.4;    // of a layer that shows lung
constexpr double kCutShare = 0.25;   // of the largest layer, where the study ends within lung
constexpr double kWhiteShare = 0.2;  // of the other side, below which a side is not seen

LungVolume NoLungs(size_t slices, std::string why_not) {
  LungVolume volume;
  volume.why_not = std::move(why_not);
  volume.masks.resize(slices);
  return volume;
}

// Of the middles between the first and the last true element of each row, the mean.
// What lies between them, as air in one lung and not in the other, has no say.
double MiddleColumn(const VoxelGrid& grid, const VoxelMask& mask) {
  double sum = 0, count = 0;
  for (size_t line = 0; line < mask.size(); line += grid.columns) {
    int first = -1, last = -1;
    for (int column = 0; column < grid.columns; ++column) {
      if (mask[line + column] == 0) continue;
      if (first < 0) first = column;
      last = column;
    }
    if (first < 0) continue;
    sum += (first + last) / 2.0;
    ++count;
  }
  return sum / count;
}

cv::Rect Mirrored(const cv::Rect& box, double middle_column, int columns) {
  const auto x = static_cast<int>(std::lround(2 * middle_column + 1)) - box.x - box.width;
  return cv::Rect(x, box.y, box.width, box.height) & cv::Rect(0, box.y, columns, box.height);
}

// A box of elements in pixels, with the margin, within the image.
cv::Rect InPixels(const cv::Rect& box, const CoarseGrid& grid) {
  const auto margin_x =
      static_cast<int>(std::lround(kMarginMm * grid.column_factor / grid.column_mm));
  const auto margin_y = static_cast<int>(std::lround(kMarginMm * grid.row_factor / grid.row_mm));
  const cv::Rect pixels(box.x * grid.column_factor - margin_x, box.y * grid.row_factor - margin_y,
                        box.width * grid.column_factor + 2 * margin_x,
                        box.height * grid.row_factor + 2 * margin_y);
  return pixels & cv::Rect({0, 0}, grid.image);
}

LungVolume Describe(const LungLayers& layers, const VoxelMask& sides, double middle_column,
                    const CoarseGrid& coarse) {
  const VoxelGrid& grid = layers.grid;
  std::vector<cv::Mat> masks(grid.layers());
  std::vector<double> areas_cm2(grid.layers());
  double side_ml[3] = {};
  cv::Rect boxes[3];
  for (int layer = 0; layer < grid.layers(); ++layer) {
    const cv::Mat mask(grid.rows, grid.columns, CV_8UC1,
                       const_cast<uint8_t*>(sides.data()) + layer * grid.layer_size());
    const double cm2 = cv::countNonZero(mask) * grid.ElementMm2() / 100;
    if (cm2 < kLeastCm2) continue;
    areas_cm2[layer] = cm2;
    masks[layer] = mask.clone();
    for (const LungSide side : {kRightLung, kLeftLung}) {
      const cv::Mat lung = mask == side;
      boxes[side] |= cv::boundingRect(lung);
      side_ml[side] += cv::countNonZero(lung) * grid.ElementMm2() * grid.thickness_mm[layer] / 1000;
    }
  }

  LungVolume volume;
  volume.found = true;
  volume.volume_ml = side_ml[kRightLung] + side_ml[kLeftLung];
  cv::Rect box = boxes[kRightLung] | boxes[kLeftLung];
  for (const auto& [side, other] : {std::pair{kRightLung, kLeftLung}, {kLeftLung, kRightLung}}) {
    if (side_ml[side] >= kWhiteShare * side_ml[other]) continue;
    volume.unseen_side = side;
    box |= Mirrored(boxes[other], middle_column, grid.columns);
  }
  volume.box = InPixels(box, coarse);
  const double largest = *std::max_element(areas_cm2.begin(), areas_cm2.end());
  volume.cut_at_head = areas_cm2.front() >= kCutShare * largest;
  volume.cut_at_feet = areas_cm2.back() >= kCutShare * largest;
  for (const int layer : layers.layer_of_slice) {
    volume.masks.push_back(masks[layer]);
    if (!masks[layer].empty()) ++volume.slices_with_lung;
  }
  return volume;
}

}  // namespace

LungVolume FindLungs(absl::Span<const cv::Mat> coarse, absl::Span<const double> positions_mm,
                     const CoarseGrid& grid) {
  const LungLayers layers = StackLayers(coarse, positions_mm, grid);
  const Body body = FindBody(layers.grid, layers.hu);
  if (std::find(body.thick.begin(), body.thick.end(), 1) == body.thick.end()) {
    return NoLungs(coarse.size(), "the slices show no body");
  }
  const AirRegions air = FindAirRegions(layers.grid, layers.hu, body);
  const std::vector<bool> chosen = LungRegions(layers.grid, air.regions);
  if (std::find(chosen.begin(), chosen.end(), true) == chosen.end()) {
    return NoLungs(coarse.size(), "no air in the body has size, place and density of lungs");
  }
  VoxelMask lung(layers.grid.size());
  for (size_t i = 0; i < lung.size(); ++i) {
    lung[i] = air.labels[i] != 0 && chosen[air.labels[i] - 1];
  }
  const double middle_column = MiddleColumn(layers.grid, body.thick);
  DropAirways(layers.grid, layers.hu, middle_column, lung);
  VoxelMask sides = SplitSides(layers.grid, layers.hu, lung, air.labels, middle_column);
  FillSides(layers.grid, sides);
  return Describe(layers, sides, middle_column, grid);
}

}  // namespace m3lung
