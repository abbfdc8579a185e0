// SPDX-License-Identifier: Apache-2.0
#include "model/networks/window_cut.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "preprocess/windowing.h"
#include "torch/torch.h"

namespace m3lung {

WindowCutOptions PaperWindows() {
  return {.centres_hu = {kWindowCentresHu.begin(), kWindowCentresHu.end()},
          .width_hu = kWindowWidthHu,
          .channel_mean = {0.485F, 0.456F, 0.406F},
          .channel_deviation = {0.229F, 0.224F, 0.225F}};
}

absl::Status Validate(const WindowCutOptions& options) {
  if (options.centres_hu.empty()) {
    return absl::InvalidArgumentError("window centres must not be empty");
  }
  for (float centre : options.centres_hu) {
    if (!std::isfinite(centre)) {
      return absl::InvalidArgumentError(absl::StrCat("window centre must be finite; was ", centre));
    }
  }
  if (!(options.width_hu > 0) || !std::isfinite(options.width_hu)) {
    return absl::InvalidArgumentError(
        absl::StrCat("window width must be positive; was ", options.width_hu));
  }
  for (float mean : options.channel_mean) {
    if (!std::isfinite(mean)) {
      return absl::InvalidArgumentError(absl::StrCat("channel mean must be finite; was ", mean));
    }
  }
  for (float deviation : options.channel_deviation) {
    if (!(deviation > 0) || !std::isfinite(deviation)) {
      return absl::InvalidArgumentError(
          absl::StrCat("channel deviation must be positive; was ", deviation));
    }
  }
  return absl::OkStatus();
}

WindowCutImpl::WindowCutImpl(const WindowCutOptions& options)
    : windows_(static_cast<int>(options.centres_hu.size())), width_hu_(options.width_hu) {
  const auto as_channels = [](const std::array<float, 3>& values) {
    return torch::tensor(at::ArrayRef<float>(values.data(), values.size())).view({1, 3, 1, 1});
  };
  lowest_hu_ = register_buffer(
      "lowest_hu", torch::tensor(options.centres_hu).view({1, -1, 1, 1}) - width_hu_ / 2);
  mean_ = register_buffer("mean", as_channels(options.channel_mean));
  deviation_ = register_buffer("deviation", as_channels(options.channel_deviation));
}

torch::Tensor WindowCutImpl::forward(const torch::Tensor& hu) {
  const torch::Tensor grey =
      ((hu.to(torch::kFloat32).unsqueeze(1) - lowest_hu_) / width_hu_).clamp(0, 1);
  return Normalise(grey.flatten(0, 1).unsqueeze(1));
}

torch::Tensor WindowCutImpl::CutAt(const torch::Tensor& hu, const torch::Tensor& centres_hu) {
  const torch::Tensor lowest = (centres_hu - width_hu_ / 2).view({-1, 1, 1, 1});
  return Normalise(((hu.to(torch::kFloat32).unsqueeze(1) - lowest) / width_hu_).clamp(0, 1));
}

torch::Tensor WindowCutImpl::Normalise(const torch::Tensor& grey) const {
  return ((grey - mean_) / deviation_).contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace m3lung
