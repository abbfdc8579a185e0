// SPDX-License-Identifier: Apache-2.0
// Mixed precision by LibTorch's autocast.
#ifndef M3LUNG_TRAINING_TRAINERS_MIXED_PRECISION_H_
#define M3LUNG_TRAINING_TRAINERS_MIXED_PRECISION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/types.h"

namespace m3lung {

// "auto" to "bf16" where the device computes in it faster than in fp32, else to
// "fp32"; these two stay. INVALID_ARGUMENT for any other text.
absl::StatusOr<std::string> ChoosePrecision(absl::string_view wanted, torch::Device device);

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
