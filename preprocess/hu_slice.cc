// SPDX-License-Identifier: Apache-2.0
#include "preprocess/hu_slice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace m3lung {

std::array<double, 3> SliceGeometry::Normal() const {
  const auto& r = row_direction;
  const auto& c = column_direction;
  std::array<double, 3> normal = {r[1] * c[2] - r[2] * c[1], r[2] * c[0] - r[0] * c[2],
                                  r[0] * c[1] - r[1] * c[0]};
  const double length = std::hypot(normal[0], normal[1], normal[2]);
  if (length == 0) return normal;
  const double scale = (normal[2] < 0 ? -1 : 1) / length;
  for (double& x : normal) x *= scale;
  return normal;
}

double SliceGeometry::PositionAlongNormal() const {
  const std::array<double, 3> normal = Normal();
  return normal[0] * position[0] + normal[1] * position[1] + normal[2] * position[2];
}

std::vector<int> OrderHeadToFeet(absl::Span<const double> positions_mm) {
  std::vector<int> order(positions_mm.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return positions_mm[a] > positions_mm[b]; });
  return order;
}

}  // namespace m3lung
