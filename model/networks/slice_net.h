// SPDX-License-Identifier: Apache-2.0
// The slice-level classification network: ResNet-50 with a lesion classifier, a
// location map and coordinate maps.
//
// Source: the paper, section III-B and figure 5.
#ifndef M3LUNG_MODEL_NETWORKS_SLICE_NET_H_
#define M3LUNG_MODEL_NETWORKS_SLICE_NET_H_

#include <array>
#include <tuple>

#include "absl/status/status.h"
#include "model/engine/inference.h"
#include "model/networks/location_map.h"
#include "model/networks/residual.h"
#include "model/networks/window_cut.h"
#include "torch/nn/modules/linear.h"

namespace m3lung {

struct SliceNetOptions {
  int base_width = 64;                       // channels of the first convolution; 64: the paper's
  std::array<int, 4> blocks = {3, 4, 6, 3};  // bottlenecks in ResBlock1 to 4
  int input_size = 512;                      // pixels; a multiple of 32
  WindowCutOptions windows = PaperWindows();
  MapMeasure map_measure = MapMeasure::kInnerProduct;

  // Ablations of the paper's table V; all off is a plain ResNet-50.
  bool multi_task = true;   // the lesion classifier after ResBlock3
  bool attention = true;    // the location map as input of ResBlock4; needs multi_task
  bool coordinates = true;  // coordinate maps as input of ResBlock4

  // D: the pooled channels of ResBlock3 and ResBlock4; 3072 at full width.
  int feature_size() const { return (4 + 8) * kExpansion * base_width; }
  int map_size() const { return input_size / 16; }  // rows and columns
};

// INVALID_ARGUMENT names the option that is out of range.
absl::Status Validate(const SliceNetOptions& options);

// What the network says of each of N images.
struct ImageScores {
  torch::Tensor lesion_logits;  // [N, 2]: without, with lesion; undefined without multi_task
  torch::Tensor class_logits;   // [N, 4]
  torch::Tensor feature_map;    // [N, 16 * base_width, map_size, map_size], of ResBlock3
  torch::Tensor last_map;       // [N, 32 * base_width, map_size / 2, map_size / 2], of ResBlock4
  torch::Tensor features;       // [N, D]
};

class SliceNetImpl : public torch::nn::Module {
 public:
  // Weights are drawn from LibTorch's generator (torch::manual_seed).
  // REQUIRES: Validate(options) is OK.
  explicit SliceNetImpl(const SliceNetOptions& options);

  // The whole of what is exported. `hu` is int16 [B, S, S], S the input size.
  // Returns, each the mean over the windows of a slice,
  //   [B, 4]     class probabilities, combined by equation 4 in each window
  //   [B, 2]     lesion probabilities: without, with
  //   [B, g, g]  location map, g = S / 16, in [0, 1]: closeness to the prototype
  //              that the mean lesion probability favours, the same for all
  //              windows, so that maps of opposite sense are never mixed
  //   [B, D]     features
  // Without multi_task there are no prototypes: the class probabilities are the
  // classifier's own (p0 to p3), the lesion probabilities are (p0, 1 - p0), and
  // the map is all zeros.
  std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> forward(
      const torch::Tensor& hu);

  // One window: `images` [N, 3, S, S], normalised. For training.
  ImageScores ScoreImages(const torch::Tensor& images);

  // The same of square parts [N, 3, P, P] of slices, P a multiple of 32. `places` [N, 2] int64:
  // row and column of each part's upper left corner in the slice, in cells of 16 pixels.
  ImageScores ScoreParts(const torch::Tensor& images, const torch::Tensor& places);

  // Maps [N, g, g] of `feature_map` for the classes `predicted` [N], int64.
  // REQUIRES: multi_task.
  torch::Tensor Maps(const torch::Tensor& feature_map, const torch::Tensor& predicted,
                     MapMeasure measure) const;

  WindowCut& windows() { return windows_; }
  torch::nn::Linear& lesion_classifier() { return lesion_fc_; }
  torch::nn::Linear& classifier() { return fc_; }
  const SliceNetOptions& options() const { return options_; }

 private:
  // `coordinates` [N or 1, 3, g, g] of the images; not read without coordinates.
  ImageScores Score(const torch::Tensor& images, const torch::Tensor& coordinates);

  const SliceNetOptions options_;

  WindowCut windows_;
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  torch::nn::Sequential layer1_, layer2_, layer3_, layer4_;
  torch::nn::Linear lesion_fc_{nullptr};  // its two rows are the prototypes
  torch::nn::Linear fc_;
  torch::Tensor coordinates_;  // [1, 3, g, g]: x, y, distance from the centre
};
TORCH_MODULE(SliceNet);

// Equation 4: `lesion` [N, 2] and `classes` [N, 4], both probabilities, to [N, 4].
torch::Tensor CombineProbabilities(const torch::Tensor& lesion, const torch::Tensor& classes);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_SLICE_NET_H_
