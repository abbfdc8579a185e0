// SPDX-License-Identifier: Apache-2.0
// Grey-level windows cut from HU inside the network, on its device, so that only
// int16 travels there.
//
// Source: the paper, sections III-A.2 and IV-A.
#ifndef M3LUNG_MODEL_NETWORKS_WINDOW_CUT_H_
#define M3LUNG_MODEL_NETWORKS_WINDOW_CUT_H_

#include <array>
#include <vector>

#include "absl/status/status.h"
#include "torch/nn/module.h"
#include "torch/nn/pimpl.h"

namespace m3lung {

struct WindowCutOptions {
  std::vector<float> centres_hu;  // the windows that a slice is seen through
  float width_hu = 0;
  // Of each channel, after mapping to [0, 1].
  std::array<float, 3> channel_mean = {};
  std::array<float, 3> channel_deviation = {};
};

// The paper's three windows, and ImageNet's mean and deviation, which the
// backbone's first weights were learned with.
WindowCutOptions PaperWindows();

// INVALID_ARGUMENT names the option that is out of range.
absl::Status Validate(const WindowCutOptions& options);

class WindowCutImpl : public torch::nn::Module {
 public:
  // REQUIRES: Validate(options) is OK.
  explicit WindowCutImpl(const WindowCutOptions& options);

  // `hu` [B, S, S] through all W windows: [B * W, 3, S, S], float32, the windows
  // of a slice beside each other. A window maps [centre - width/2, centre +
  // width/2] to [0, 1], clamped, copied to three channels, then normalised.
  torch::Tensor forward(const torch::Tensor& hu);

  // Each slice through one window of its own, for training: `centres_hu` [B],
  // float32. Returns [B, 3, S, S].
  torch::Tensor CutAt(const torch::Tensor& hu, const torch::Tensor& centres_hu);

  int windows() const { return windows_; }

 private:
  torch::Tensor Normalise(const torch::Tensor& grey) const;

  const int windows_;
  const double width_hu_;
  // Buffers, so that they move to a device with the network.
  torch::Tensor lowest_hu_;  // [1, W, 1, 1]
  torch::Tensor mean_;       // [1, 3, 1, 1]
  torch::Tensor deviation_;  // [1, 3, 1, 1]
};
TORCH_MODULE(WindowCut);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_WINDOW_CUT_H_
