// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/mixed_precision.h"

#include "ATen/autocast_mode.h"
#include "absl/strings/str_cat.h"
#include "model/engine/convolution_precision.h"

namespace m3lung {
absl::StatusOr<Precision> ChooseTrainingPrecision(std::optional<Precision> wanted,
                                                  torch::Device device) {
  if (!wanted.has_value()) {
    return device.is_cuda() || ProcessorOffers(Precision::kBf16) ? Precision::kBf16
                                                                 : Precision::kFp32;
  }
  if (*wanted == Precision::kFp32 || *wanted == Precision::kBf16) return *wanted;
  return absl::InvalidArgumentError(
      absl::StrCat("precision must be auto, fp32 or bf16; was \"", PrecisionName(*wanted), "\""));
}

AutocastScope::AutocastScope(torch::Device device, bool bf16)
    : device_(device.type()), active_(bf16) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace m3lung
