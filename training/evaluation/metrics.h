// SPDX-License-Identifier: Apache-2.0
// The paper's figures (section IV-B), all shares in [0, 1], from the table of what
// was called what. Nothing, never NaN, where there is no case to take a share of.
#ifndef M3LUNG_TRAINING_EVALUATION_METRICS_H_
#define M3LUNG_TRAINING_EVALUATION_METRICS_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "model/engine/inference.h"
#include "training/evaluation/cases.h"

namespace m3lung {

// Number of cases by truth (row) and by what they were called (column).
using ConfusionMatrix = std::array<std::array<int64_t, kClasses>, kClasses>;

// `weights` say how often each study is counted, by its index; empty: once each.
ConfusionMatrix Confusion(const Cases& cases, absl::Span<const int> weights = {});

// Of the cases of this class, those called so; of all others, those not called so.
std::optional<double> Sensitivity(const ConfusionMatrix& confusion, Label label);
std::optional<double> Specificity(const ConfusionMatrix& confusion, Label label);

// Of all cases, those called what they are.
std::optional<double> Accuracy(const ConfusionMatrix& confusion);

// FPE: of the Healthy, those called diseased.
std::optional<double> FalsePositiveError(const ConfusionMatrix& confusion);

// FNE: of the diseased, those called Healthy.
std::optional<double> FalseNegativeError(const ConfusionMatrix& confusion);

// FDPE: of the diseased, those called by another disease. The paper's table II
// counts so: with 190 diseased, its 2.83 % of 102, 4.15 % and 1.57 % are the 14 of
// 292 that its accuracy leaves.
std::optional<double> FalseDiseasePredictionError(const ConfusionMatrix& confusion);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_METRICS_H_
