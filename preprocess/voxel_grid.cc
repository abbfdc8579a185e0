#include "preprocess/voxel_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

namespace m3lung {
namespace {

constexpr float kFar = 1e12f;  // square of a distance, where there is nothing near

// min over j of (x[i] - x[j])^2 + f[j], for all i, over rising places x.
class LowerEnvelope {
 public:
  explicit LowerEnvelope(std::vector<double> places)
      : x_(std::move(places)), f_(x_.size()), vertex_(x_.size()), from_(x_.size() + 1) {}

  void Apply(float* values, size_t stride) {
    const int n = static_cast<int>(x_.size());
    int parabolas = 0;
    for (int i = 0; i < n; ++i) {
      f_[i] = values[i * stride];
      if (f_[i] >= kFar) continue;
      double begin = -std::numeric_limits<double>::infinity();
      while (parabolas > 0) {
        begin = Meet(vertex_[parabolas - 1], i);
        if (begin > from_[parabolas - 1]) break;
        --parabolas;
        begin = -std::numeric_limits<double>::infinity();
      }
      vertex_[parabolas] = i;
      from_[parabolas++] = begin;
    }
    if (parabolas == 0) return;
    int k = 0;
    for (int i = 0; i < n; ++i) {
      while (k + 1 < parabolas && from_[k + 1] < x_[i]) ++k;
      const double away = x_[i] - x_[vertex_[k]];
      values[i * stride] = static_cast<float>(away * away + f_[vertex_[k]]);
    }
  }

 private:
  // Where the parabola of j passes below that of i < j. Two slices at one place
  // meet nowhere, or everywhere.
  double Meet(int i, int j) const {
    const double gap = x_[j] - x_[i];
    if (gap <= 0) {
      return f_[j] < f_[i] ? -std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::infinity();
    }
    return (f_[j] - f_[i] + x_[j] * x_[j] - x_[i] * x_[i]) / (2 * gap);
  }

  const std::vector<double> x_;
  std::vector<double> f_;
  std::vector<int> vertex_;
  std::vector<double> from_;
};

std::vector<double> Places(int count, double step) {
  std::vector<double> places(count);
  for (int i = 0; i < count; ++i) places[i] = i * step;
  return places;
}

}  // namespace

std::vector<float> DistanceToFalse(const VoxelGrid& grid, const VoxelMask& mask, Reach reach) {
  std::vector<float> squares(grid.size());
  const auto step = static_cast<float>(grid.column_mm);
  for (size_t line = 0; line < squares.size(); line += grid.columns) {
    // Along a row the distances are those to the last and to the next false element.
    float away = std::sqrt(kFar);
    for (int i = 0; i < grid.columns; ++i) {
      away = mask[line + i] == 0 ? 0 : away + step;
      squares[line + i] = away;
    }
    away = std::sqrt(kFar);
    for (int i = grid.columns - 1; i >= 0; --i) {
      away = mask[line + i] == 0 ? 0 : away + step;
      const float nearer = std::min(away, squares[line + i]);
      squares[line + i] = nearer * nearer;
    }
  }
  LowerEnvelope across_rows(Places(grid.rows, grid.row_mm));
  for (int layer = 0; layer < grid.layers(); ++layer) {
    float* first = squares.data() + layer * grid.layer_size();
    for (int column = 0; column < grid.columns; ++column) {
      across_rows.Apply(first + column, grid.columns);
    }
  }
  if (reach == Reach::kThroughLayers && grid.layers() > 1) {
    LowerEnvelope across_layers(grid.depth_mm);
    for (size_t i = 0; i < grid.layer_size(); ++i) {
      across_layers.Apply(squares.data() + i, grid.layer_size());
    }
  }
  for (float& square : squares) square = std::sqrt(square);
  return squares;
}

int LabelRegions(const VoxelGrid& grid, const VoxelMask& mask, VoxelLabels& labels) {
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
      ForNeighbours(grid, i, [&](size_t j) {
        if (mask[j] == 0 || labels[j] != 0) return;
        labels[j] = count;
        open.push_back(j);
      });
    }
  }
  return count;
}

void Flood(const VoxelGrid& grid, const VoxelMask& mask, VoxelMask& seeds) {
  std::vector<size_t> open;
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i] != 0) open.push_back(i);
  }
  while (!open.empty()) {
    const size_t i = open.back();
    open.pop_back();
    ForNeighbours(grid, i, [&](size_t j) {
      if (mask[j] == 0 || seeds[j] != 0) return;
      seeds[j] = 1;
      open.push_back(j);
    });
  }
}

void GrowRegions(const VoxelGrid& grid, const VoxelMask& mask, const std::vector<float>& height,
                 VoxelLabels& labels) {
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
    ForNeighbours(grid, i, [&](size_t j) {
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
