// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/mixed_precision.h"

#include "ATen/autocast_mode.h"
#include "ATen/cpu/Utils.h"
#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

bool HasBf16Instructions() {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : {"avx512_bf16", "amx_bf16"}) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool()) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> ChoosePrecision(absl::string_view wanted, torch::Device device) {
  if (wanted == "fp32" || wanted == "bf16") return std::string(wanted);
  if (wanted != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("precision must be auto, fp32 or bf16; was \"", wanted, "\""));
  }
  return device.is_cuda() || HasBf16Instructions() ? "bf16" : "fp32";
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
