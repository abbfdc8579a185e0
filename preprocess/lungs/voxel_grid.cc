// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/voxel_grid.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <queue>
#include <utility>

namespace m3lung {
namespace {

constexpr float kFarMm = 1e6;

// The neighbours of an element: the up to six that share a face with it, in its layer and in
// those that are joined to it. Which there are is found beforehand, once: from an element's number
// it would take two divisions, which floods ask for millions of times.
class Neighbours {
 public:
  explicit Neighbours(const VoxelGrid& grid)
      : row_(grid.columns), layer_(grid.layer_size()), sides_(grid.size()) {
    size_t i = 0;
    for (int layer = 0; layer < grid.layers(); ++layer) {
      uint8_t of_layer = kColumnBefore | kColumnAfter;
      if (layer > 0 && grid.joins_next[layer - 1] != 0) of_layer |= kLayerBefore;
      if (layer + 1 < grid.layers() && grid.joins_next[layer] != 0) of_layer |= kLayerAfter;
      for (int row = 0; row < grid.rows; ++row) {
        uint8_t of_row = of_layer;
        if (row > 0) of_row |= kRowBefore;
        if (row + 1 < grid.rows) of_row |= kRowAfter;
        std::fill_n(sides_.begin() + static_cast<ptrdiff_t>(i), grid.columns, of_row);
        sides_[i] &= static_cast<uint8_t>(~kColumnBefore);
        i += grid.columns;
        sides_[i - 1] &= static_cast<uint8_t>(~kColumnAfter);
      }
    }
  }

  // Calls `visit(neighbour)` for each neighbour of i.
  template <typename Visit>
  void ForEach(size_t i, Visit visit) const {
    const uint8_t sides = sides_[i];
    if ((sides & kColumnBefore) != 0) visit(i - 1);
    if ((sides & kColumnAfter) != 0) visit(i + 1);
    if ((sides & kRowBefore) != 0) visit(i - row_);
    if ((sides & kRowAfter) != 0) visit(i + row_);
    if ((sides & kLayerBefore) != 0) visit(i - layer_);
    if ((sides & kLayerAfter) != 0) visit(i + layer_);
  }

 private:
  enum : uint8_t {
    kColumnBefore = 1,
    kColumnAfter = 2,
    kRowBefore = 4,
    kRowAfter = 8,
    kLayerBefore = 16,
    kLayerAfter = 32
  };

  const size_t row_, layer_;  // from an element to the next row's, the next layer's
  std::vector<uint8_t> sides_;
};

// Lowers each of `count` values to that of another plus a square of the way there.
void Lower(float* values, const float* others, size_t count, double way_mm) {
  const auto square = static_cast<float>(way_mm * way_mm);
  for (size_t i = 0; i < count; ++i) values[i] = std::min(values[i], others[i] + square);
}

// Squares of the distances along the rows.
std::vector<float> SquaresAlongRows(const VoxelGrid& grid, const VoxelMask& mask) {
  std::vector<float> squares(grid.size());
  const auto step = static_cast<float>(grid.column_mm);
  for (size_t line = 0; line < squares.size(); line += grid.columns) {
    float away = kFarMm;
    for (int i = 0; i < grid.columns; ++i) {
      away = mask[line + i] == 0 ? 0 : away + step;
      squares[line + i] = away;
    }
    away = kFarMm;
    for (int i = grid.columns - 1; i >= 0; --i) {
      away = mask[line + i] == 0 ? 0 : away + step;
      const float nearer = std::min(away, squares[line + i]);
      squares[line + i] = nearer * nearer;
    }
  }
  return squares;
}

void LowerAcrossRows(const VoxelGrid& grid, float reach_mm, float* layer,
                     std::vector<float>& before) {
  std::copy_n(layer, grid.layer_size(), before.begin());
  for (int apart = 1; apart < grid.rows && apart * grid.row_mm <= reach_mm; ++apart) {
    const size_t shift = static_cast<size_t>(apart) * grid.columns;
    Lower(layer, before.data() + shift, grid.layer_size() - shift, apart * grid.row_mm);
    Lower(layer + shift, before.data(), grid.layer_size() - shift, apart * grid.row_mm);
  }
}

void LowerAcrossLayers(const VoxelGrid& grid, float reach_mm, std::vector<float>& squares) {
  std::deque<std::vector<float>> above;  // the layers just done as they were, the nearest first
  const auto layer_at = [&](int layer) { return squares.data() + layer * grid.layer_size(); };
  for (int layer = 0; layer < grid.layers(); ++layer) {
    const auto apart = [&](int other) {
      return std::abs(grid.depth_mm[other] - grid.depth_mm[layer]);
    };
    float* values = layer_at(layer);
    std::vector<float> before(values, values + grid.layer_size());
    for (int i = 0; i < static_cast<int>(above.size()); ++i) {
      Lower(values, above[i].data(), grid.layer_size(), apart(layer - 1 - i));
    }
    for (int i = layer + 1; i < grid.layers() && apart(i) <= reach_mm; ++i) {
      Lower(values, layer_at(i), grid.layer_size(), apart(i));
    }
    above.push_front(std::move(before));
    const int next = std::min(layer + 1, grid.layers() - 1);
    while (!above.empty() &&
           grid.depth_mm[next] - grid.depth_mm[layer + 1 - above.size()] > reach_mm) {
      above.pop_back();
    }
  }
}

}  // namespace

std::vector<float> DistanceToFalse(const VoxelGrid& grid, const VoxelMask& mask, float reach_mm) {
  std::vector<float> squares = SquaresAlongRows(grid, mask);
  std::vector<float> before(grid.layer_size());
  for (int layer = 0; layer < grid.layers(); ++layer) {
    LowerAcrossRows(grid, reach_mm, squares.data() + layer * grid.layer_size(), before);
  }
  LowerAcrossLayers(grid, reach_mm, squares);
  for (float& square : squares) square = std::sqrt(square);
  return squares;
}

int LabelRegions(const VoxelGrid& grid, const VoxelMask& mask, VoxelLabels& labels) {
  const Neighbours neighbours(grid);
  labels.assign(grid.size(), 0);
  int count = 0;
  std::vector<size_t> open;
  for (size_t first = 0; first < mask.size(); ++first) {
    if (mask[first] == 0 || labels[first] != 0) continue;
    labels[first] = ++count;
    open.push_back(first);
    while (!open.empty()) {
      const size_t i = open.back();
      open.pop_back();
      neighbours.ForEach(i, [&](size_t j) {
        if (mask[j] == 0 || labels[j] != 0) return;
        labels[j] = count;
        open.push_back(j);
      });
    }
  }
  return count;
}

void Flood(const VoxelGrid& grid, const VoxelMask& mask, VoxelMask& seeds) {
  const Neighbours neighbours(grid);
  std::vector<size_t> open;
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i] != 0) open.push_back(i);
  }
  while (!open.empty()) {
    const size_t i = open.back();
    open.pop_back();
    neighbours.ForEach(i, [&](size_t j) {
      if (mask[j] == 0 || seeds[j] != 0) return;
      seeds[j] = 1;
      open.push_back(j);
    });
  }
}

void GrowRegions(const VoxelGrid& grid, const VoxelMask& mask, const std::vector<float>& height,
                 VoxelLabels& labels) {
  const Neighbours neighbours(grid);
  // Greatest height first; of equals the one that was met first.
  struct Step {
    float height;
    uint64_t met;
    size_t element;
    bool operator<(const Step& other) const {
      return height != other.height ? height < other.height : met > other.met;
    }
  };
  std::priority_queue<Step> open;
  uint64_t met = 0;
  const auto open_neighbours = [&](size_t i) {
    neighbours.ForEach(i, [&](size_t j) {
      if (mask[j] == 0 || labels[j] != 0) return;
      labels[j] = labels[i];
      open.push({height[j], met++, j});
    });
  };
  const VoxelLabels seeds = labels;
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i] != 0) open_neighbours(i);
  }
  while (!open.empty()) {
    const size_t i = open.top().element;
    open.pop();
    open_neighbours(i);
  }
}

}  // namespace m3lung
