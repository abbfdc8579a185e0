// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/optimizer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "torch/optim/adamw.h"
#include "torch/optim/sgd.h"

namespace m3lung {

absl::string_view OptimizerName(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::kAdam:
      return "adam";
    case OptimizerKind::kSgd:
      return "sgd";
  }
  return "";
}

absl::StatusOr<OptimizerKind> ParseOptimizer(absl::string_view name) {
  for (const OptimizerKind kind : kOptimizerKinds) {
    if (name == OptimizerName(kind)) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("an optimizer must be adam or sgd; was \"", name, "\""));
}

std::unique_ptr<torch::optim::Optimizer> MakeOptimizer(OptimizerKind kind,
                                                       std::vector<torch::Tensor> parameters,
                                                       double learning_rate, double weight_decay,
                                                       double momentum) {
  if (kind == OptimizerKind::kSgd) {
    return std::make_unique<torch::optim::SGD>(
        std::move(parameters),
        torch::optim::SGDOptions(learning_rate).momentum(momentum).weight_decay(weight_decay));
  }
  return std::make_unique<torch::optim::AdamW>(
      std::move(parameters), torch::optim::AdamWOptions(learning_rate).weight_decay(weight_decay));
}

}  // namespace m3lung
