// SPDX-License-Identifier: Apache-2.0
#include "model/answers/assessment.h"

#include <algorithm>

namespace m3lung {

NonParametricAssessment AssessWithoutParameters(absl::Span<const ClassProbabilities> slices,
                                                float threshold) {
  NonParametricAssessment result;
  auto& counts = result.slices_by_label;
  for (const ClassProbabilities& slice : slices) ++counts[static_cast<int>(MostProbable(slice))];
  result.healthy_share = static_cast<float>(counts[0]) / static_cast<float>(slices.size());

  const auto most_disease = std::max_element(counts.begin() + 1, counts.end());
  // With a threshold of 1 the share cannot exceed it: a study without one
  // diseased slice is healthy all the same.
  if (result.healthy_share <= threshold && *most_disease > 0) {
    result.label = static_cast<Label>(most_disease - counts.begin());
  }
  return result;
}

}  // namespace m3lung
