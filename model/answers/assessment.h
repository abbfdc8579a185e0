// SPDX-License-Identifier: Apache-2.0
// The paper's non-parametric assessment of a patient (appendix I).
#ifndef M3LUNG_MODEL_ANSWERS_ASSESSMENT_H_
#define M3LUNG_MODEL_ANSWERS_ASSESSMENT_H_

#include <array>

#include "absl/types/span.h"
#include "model/engine/inference.h"

namespace m3lung {

// T of the assessment where nothing else is said, as the paper has it.
inline constexpr float kHealthyShareThreshold = 0.99F;

struct NonParametricAssessment {
  Label label = Label::kHealthy;
  std::array<int, kClasses> slices_by_label = {};
  float healthy_share = 0;  // in [0, 1]
};

// Equation 5: Healthy where more than `threshold` of the slices are; else the
// disease with most slices, of equal ones the first in class order.
// REQUIRES: at least one slice.
NonParametricAssessment AssessWithoutParameters(absl::Span<const ClassProbabilities> slices,
                                                float threshold);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ANSWERS_ASSESSMENT_H_
