// SPDX-License-Identifier: Apache-2.0
// Mixed precision by LibTorch's autocast.
#ifndef M3LUNG_TRAINING_TRAINERS_MIXED_PRECISION_H_
#define M3LUNG_TRAINING_TRAINERS_MIXED_PRECISION_H_

#include <optional>

#include "absl/status/statusor.h"
#include "model/bundle/precision.h"
#include "torch/types.h"

namespace m3lung {

// `wanted`; where that is nothing, kBf16 if the device computes in it faster than in float32, else
// kFp32. INVALID_ARGUMENT for another one than these two.
absl::StatusOr<Precision> ChooseTrainingPrecision(std::optional<Precision> wanted,
                                                  torch::Device device);

// While it lives, operations of this thread that gain by it run in bf16.
class AutocastScope {
 public:
  AutocastScope(torch::Device device, bool bf16);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  const torch::DeviceType device_;
  const bool active_;
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_MIXED_PRECISION_H_
