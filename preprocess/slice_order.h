// SPDX-License-Identifier: Apache-2.0
// The order of a study's slices.
#ifndef M3LUNG_PREPROCESS_SLICE_ORDER_H_
#define M3LUNG_PREPROCESS_SLICE_ORDER_H_

#include <vector>

#include "absl/types/span.h"

namespace m3lung {

// Indices into `positions_mm` from head to feet: by falling position along the
// slice normal, ties in the order given.
std::vector<int> OrderHeadToFeet(absl::Span<const double> positions_mm);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_SLICE_ORDER_H_
