// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lung_field.h"

#include <algorithm>
#include <cmath>

#include "preprocess/lungs/lung_volume.h"
#include "preprocess/lungs/voxel_grid.h"

namespace m3lung {
namespace {

constexpr double kElementMm = 3.5;
constexpr double kLayerMm = 3;     // slices nearer than this share a layer
constexpr float kReachMm = 30;     // of depths
constexpr float kVesselHu = -550;  // and above, away from the pleura
constexpr double kBundleMm = 9;    // how far a vessel makes its surroundings bundle

// The canvas's masks and vessels on a coarse grid.
struct CoarseLungs {
  VoxelGrid grid;
  VoxelMask side;
  std::vector<float> vessel;  // share of an element's pixels
  int factor = 1;             // pixels along an element's edge
};

CoarseLungs Coarse(const Canvas& canvas) {
  CoarseLungs coarse;
  const int size = canvas.hu.front().cols;
  coarse.factor = std::max(1, static_cast<int>(std::lround(kElementMm / canvas.pixel_mm)));
  VoxelGrid& grid = coarse.grid;
  grid.rows = grid.columns = (size + coarse.factor - 1) / coarse.factor;
  grid.row_mm = grid.column_mm = coarse.factor * canvas.pixel_mm;
  double spacing = canvas.thickness_mm;
  if (canvas.t.size() > 1) spacing = canvas.t[1] - canvas.t[0];
  const int step = std::max(1, static_cast<int>(std::lround(kLayerMm / spacing)));
  for (size_t i = std::min<size_t>(step / 2, canvas.t.size() - 1); i < canvas.t.size(); i += step) {
    grid.depth_mm.push_back(canvas.t[i]);
    grid.thickness_mm.push_back(step * spacing);
    grid.joins_next.push_back(1);
    const size_t first = coarse.side.size();
    coarse.side.resize(first + grid.layer_size());
    coarse.vessel.resize(first + grid.layer_size());
    for (int row = 0; row < grid.rows; ++row) {
      for (int column = 0; column < grid.columns; ++column) {
        int lung[3] = {0, 0, 0}, dense = 0;
        const int last_row = std::min(size, (row + 1) * coarse.factor);
        const int last_column = std::min(size, (column + 1) * coarse.factor);
        for (int y = row * coarse.factor; y < last_row; ++y) {
          const uchar* side = canvas.sides[i].ptr<uchar>(y);
          const float* hu = canvas.hu[i].ptr<float>(y);
          for (int x = column * coarse.factor; x < last_column; ++x) {
            ++lung[side[x]];
            if (side[x] != kNoLung && hu[x] > kVesselHu) ++dense;
          }
        }
        const int side = lung[kRightLung] >= lung[kLeftLung] ? kRightLung : kLeftLung;
        const size_t at = first + static_cast<size_t>(row) * grid.columns + column;
        coarse.side[at] = static_cast<uint8_t>(lung[side] > lung[kNoLung] ? side : int{kNoLung});
        coarse.vessel[at] = static_cast<float>(dense) / (coarse.factor * coarse.factor);
      }
    }
  }
  return coarse;
}

double Distance(const Point3& a, const Point3& b) {
  return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y) +
                   (a.t - b.t) * (a.t - b.t));
}

// A box blur along one axis of a grid: `lines` of `length` elements, each from start(line)
// on and `stride` apart.
void BlurAlong(std::vector<float>& values, size_t stride, int length, int reach,
               const std::function<size_t(size_t)>& start, size_t lines) {
  std::vector<float> line(length);
  for (size_t n = 0; n < lines; ++n) {
    const size_t first = start(n);
    for (int i = 0; i < length; ++i) line[i] = values[first + i * stride];
    for (int i = 0; i < length; ++i) {
      const int low = std::max(0, i - reach), high = std::min(length - 1, i + reach);
      float sum = 0;
      for (int k = low; k <= high; ++k) sum += line[k];
      values[first + i * stride] = sum / static_cast<float>(2 * reach + 1);
    }
  }
}

void Blur(std::vector<float>& values, const VoxelGrid& grid, double reach_mm) {
  const size_t layer = grid.layer_size();
  const int reach = std::max(1, static_cast<int>(std::lround(reach_mm / grid.row_mm)));
  const int deep =
      std::max(1, static_cast<int>(std::lround(reach_mm / std::max(1.0, grid.thickness_mm[0]))));
  BlurAlong(
      values, 1, grid.columns, reach, [&](size_t n) { return n * grid.columns; },
      grid.rows * grid.depth_mm.size());
  BlurAlong(
      values, grid.columns, grid.rows, reach,
      [&](size_t n) { return n / grid.columns * layer + n % grid.columns; },
      grid.columns * grid.depth_mm.size());
  BlurAlong(
      values, layer, grid.layers(), deep, [](size_t n) { return n; }, layer);
}

}  // namespace

LungField::LungField(const Canvas& canvas) {
  if (canvas.hu.empty()) return;
  CoarseLungs coarse = Coarse(canvas);
  const VoxelGrid& grid = coarse.grid;
  const std::vector<float> depth = DistanceToFalse(grid, coarse.side, kReachMm);
  // What is dense at the pleura is the pleura's.
  for (size_t i = 0; i < depth.size(); ++i) {
    if (depth[i] < 2.2 * grid.row_mm) coarse.vessel[i] = 0;
  }
  std::vector<float> bundle = coarse.vessel;
  Blur(bundle, grid, kBundleMm);

  element_ml_ = grid.ElementMm2() * grid.thickness_mm.front() / 1000;
  std::array<bool, 3> seen = {};
  std::array<double, 3> weights = {};
  float most = 1e-6F;
  for (size_t i = 0; i < depth.size(); ++i) {
    const int side = coarse.side[i];
    if (side == kNoLung) continue;
    LungPoint point;
    const int column = grid.ColumnOf(i), row = grid.RowOf(i);
    point.at = {canvas.X(0) + (column + 0.5) * grid.column_mm - canvas.pixel_mm / 2,
                canvas.X(0) + (row + 0.5) * grid.row_mm - canvas.pixel_mm / 2,
                grid.depth_mm[grid.LayerOf(i)]};
    point.side = side;
    point.depth_mm = depth[i];
    point.bundle = bundle[i];
    most = std::max(most, bundle[i]);
    const auto slope = [&](bool before, bool after, size_t stride, double mm) {
      const float low = before ? depth[i - stride] : 0, high = after ? depth[i + stride] : 0;
      return (high - low) / mm;
    };
    Point3 inwards = {slope(column > 0, column + 1 < grid.columns, 1, grid.column_mm),
                      slope(row > 0, row + 1 < grid.rows, grid.columns, grid.row_mm),
                      slope(grid.LayerOf(i) > 0, grid.LayerOf(i) + 1 < grid.layers(),
                            grid.layer_size(), grid.thickness_mm[0])};
    const double length = Distance(inwards, {});
    if (length > 1e-9) {
      point.inwards = {inwards.x / length, inwards.y / length, inwards.t / length};
    } else {
      point.inwards = {1, 0, 0};
    }
    LungBox& box = boxes_[side];
    if (!seen[side]) box = {point.at, point.at};
    seen[side] = true;
    box.low = {std::min(box.low.x, point.at.x), std::min(box.low.y, point.at.y),
               std::min(box.low.t, point.at.t)};
    box.high = {std::max(box.high.x, point.at.x), std::max(box.high.y, point.at.y),
                std::max(box.high.t, point.at.t)};
    // The hilum is where the thickest vessels are.
    const double weight = std::pow(static_cast<double>(bundle[i]), 3);
    Point3& hilum = hila_[side];
    hilum.x += weight * point.at.x;
    hilum.y += weight * point.at.y;
    hilum.t += weight * point.at.t;
    weights[side] += weight;
    points_.push_back(point);
  }
  for (int side : {kRightLung, kLeftLung}) {
    const LungBox& box = boxes_[side];
    Point3& hilum = hila_[side];
    if (weights[side] > 1e-12) {
      hilum = {hilum.x / weights[side], hilum.y / weights[side], hilum.t / weights[side]};
    } else {
      hilum = {(box.low.x + box.high.x) / 2, (box.low.y + box.high.y) / 2,
               (box.low.t + box.high.t) / 2};
    }
  }
  for (LungPoint& point : points_) {
    const LungBox& box = boxes_[point.side];
    point.height = box.Height(point.at.t);
    point.back = (point.at.y - box.low.y) / std::max(box.high.y - box.low.y, 1.0);
    point.bundle = std::min(1.0, point.bundle / (0.4 * most));
    point.hilum_mm = Distance(point.at, hila_[point.side]);
  }
}

double LungField::VolumeMl() const { return element_ml_ * static_cast<double>(points_.size()); }

PointSampler::PointSampler(const LungField& field,
                           const std::function<double(const LungPoint&)>& weight)
    : field_(field) {
  sums_.reserve(field.points().size());
  double sum = 0;
  for (const LungPoint& point : field.points()) sums_.push_back(sum += weight(point));
}

const LungPoint* PointSampler::Draw(Random& random) const {
  const double at = random.Uniform(0, 1);
  if (sums_.empty() || !(sums_.back() > 0)) return nullptr;
  const auto found = std::upper_bound(sums_.begin(), sums_.end(), at * sums_.back());
  const size_t index = std::min<size_t>(found - sums_.begin(), sums_.size() - 1);
  return &field_.points()[index];
}

}  // namespace m3lung
