// SPDX-License-Identifier: Apache-2.0
#include "preprocess/slice_order.h"

#include <algorithm>
#include <numeric>

namespace m3lung {

std::vector<int> OrderHeadToFeet(absl::Span<const double> positions_mm) {
  std::vector<int> order(positions_mm.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return positions_mm[a] > positions_mm[b]; });
  return order;
}

}  // namespace m3lung
