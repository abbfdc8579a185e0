// SPDX-License-Identifier: Apache-2.0
// Volumes on a coarse grid, and the few operations on them that image libraries
// offer in two dimensions only.
#ifndef M3LUNG_PREPROCESS_LUNGS_VOXEL_GRID_H_
#define M3LUNG_PREPROCESS_LUNGS_VOXEL_GRID_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "opencv2/core/types.hpp"

namespace m3lung {

// Layers from head to feet, each rows x columns. A layer is one slice, or some
// that lie close together.
struct VoxelGrid {
  int columns = 0;
  int rows = 0;
  double column_mm = 0;  // of an element
  double row_mm = 0;
  std::vector<double> depth_mm;      // of each layer's middle, never falling
  std::vector<double> thickness_mm;  // of each layer
  // Whether each layer lies close enough to the next that what overlaps in them may
  // be taken for one thing.
  std::vector<uint8_t> joins_next;

  int layers() const { return static_cast<int>(depth_mm.size()); }
  size_t layer_size() const { return static_cast<size_t>(rows) * columns; }
  size_t size() const { return layer_size() * depth_mm.size(); }
  double ElementMm2() const { return row_mm * column_mm; }

  // Of an element, so that there is at least one and nothing is divided by zero.
  // NOLINTBEGIN(clang-analyzer-core.DivideZero): the analyser does not know of that.
  int LayerOf(size_t i) const { return static_cast<int>(i / layer_size()); }
  int RowOf(size_t i) const { return static_cast<int>(i % layer_size()) / columns; }
  int ColumnOf(size_t i) const { return static_cast<int>(i % layer_size()) % columns; }
  // NOLINTEND(clang-analyzer-core.DivideZero)
};

// Calls `visit(element, place)` for each element, `place` being where it lies in its layer.
template <typename Visit>
void ForEachElement(const VoxelGrid& grid, Visit visit) {
  size_t i = 0;
  for (int layer = 0; layer < grid.layers(); ++layer) {
    for (size_t place = 0; place < grid.layer_size(); ++place) visit(i++, place);
  }
}

// A value for each element, layer by layer, row by row.
using VoxelMask = std::vector<uint8_t>;  // 0, or anything else for true
using VoxelHu = std::vector<int16_t>;
using VoxelLabels = std::vector<int32_t>;  // 0, or a region from 1 on

// Of each element the distance in mm to the nearest element of `mask` that is
// false, between their middles; 0 where it is false itself. Exact up to `reach_mm`,
// which it takes time for; beyond that, no less. What lies outside the grid is
// neither true nor false, so that nothing is worn away there.
std::vector<float> DistanceToFalse(const VoxelGrid& grid, const VoxelMask& mask, float reach_mm);

// Labels the face-connected regions of `mask` from 1 on, in the order of their first
// elements; returns how many there are.
int LabelRegions(const VoxelGrid& grid, const VoxelMask& mask, VoxelLabels& labels);

// Adds to `seeds` what face-connected steps within `mask` reach from it.
void Flood(const VoxelGrid& grid, const VoxelMask& mask, VoxelMask& seeds);

// Grows the regions of `labels` over the rest of `mask`, element by element where
// `height` is greatest, so that two regions meet where the way between them is
// narrowest when `height` is a distance to the border. What no region reaches
// stays 0.
void GrowRegions(const VoxelGrid& grid, const VoxelMask& mask, const std::vector<float>& height,
                 VoxelLabels& labels);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_VOXEL_GRID_H_
