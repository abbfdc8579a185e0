// SPDX-License-Identifier: Apache-2.0
// The optimizers that a training can be asked for.
#ifndef M3LUNG_TRAINING_TRAINERS_OPTIMIZER_H_
#define M3LUNG_TRAINING_TRAINERS_OPTIMIZER_H_

#include <array>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/optim/optimizer.h"
#include "torch/types.h"

namespace m3lung {

enum class OptimizerKind {
  kAdam,  // with the weight decay apart from the gradient (AdamW)
  kSgd,   // stochastic gradient descent with momentum
};
inline constexpr std::array<OptimizerKind, 2> kOptimizerKinds = {OptimizerKind::kAdam,
                                                                 OptimizerKind::kSgd};

// "adam", "sgd": the names in checkpoints and on command lines.
absl::string_view OptimizerName(OptimizerKind kind);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name);

inline constexpr double kMomentum = 0.9;  // of SGD, where nothing else is said

std::unique_ptr<torch::optim::Optimizer> MakeOptimizer(OptimizerKind kind,
                                                       std::vector<torch::Tensor> parameters,
                                                       double learning_rate, double weight_decay,
                                                       double momentum = kMomentum);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_OPTIMIZER_H_
