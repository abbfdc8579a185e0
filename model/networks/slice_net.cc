// SPDX-License-Identifier: Apache-2.0
#include "model/networks/slice_net.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

// [1, 3, size, size]: x and y in [-1, 1] from the left and top edge, and
// sqrt(x^2 + y^2).
torch::Tensor CoordinateMaps(int size) {
  const torch::Tensor line = torch::linspace(-1, 1, size);
  const torch::Tensor x = line.view({1, size}).expand({size, size});
  const torch::Tensor y = line.view({size, 1}).expand({size, size});
  return torch::stack({x, y, (x.square() + y.square()).sqrt()}).unsqueeze(0);
}

int ExtraChannels(const SliceNetOptions& options) {
  return (options.attention ? 1 : 0) + (options.coordinates ? 3 : 0);
}

}  // namespace

absl::Status Validate(const SliceNetOptions& options) {
  if (options.base_width < 1 || options.base_width > 1024) {
    return absl::InvalidArgumentError(
        absl::StrCat("base width must be 1 to 1024; was ", options.base_width));
  }
  for (int blocks : options.blocks) {
    if (blocks < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("each ResBlock needs at least one bottleneck; one has ", blocks));
    }
  }
  if (options.input_size < 32 || options.input_size > 4096 || options.input_size % 32 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "input size must be a multiple of 32 from 32 to 4096; was ", options.input_size));
  }
  if (options.attention && !options.multi_task) {
    return absl::InvalidArgumentError(
        "attention needs multi_task: the map is drawn from the lesion classifier's prototypes");
  }
  return Validate(options.windows);
}

SliceNetImpl::SliceNetImpl(const SliceNetOptions& options)
    : options_(options),
      windows_(options.windows),
      conv1_(MakeConvolution(3, options.base_width, 7, 2)),
      bn1_(options.base_width),
      layer1_(MakeResBlock(options.base_width, options.base_width, options.blocks[0], 1)),
      layer2_(MakeResBlock(kExpansion * options.base_width, 2 * options.base_width,
                           options.blocks[1], 2)),
      layer3_(MakeResBlock(2 * kExpansion * options.base_width, 4 * options.base_width,
                           options.blocks[2], 2)),
      layer4_(MakeResBlock(4 * kExpansion * options.base_width + ExtraChannels(options),
                           8 * options.base_width, options.blocks[3], 2)),
      fc_(8 * kExpansion * options.base_width, kClasses) {
  register_module("windows", windows_);
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  register_module("layer1", layer1_);
  register_module("layer2", layer2_);
  register_module("layer3", layer3_);
  register_module("layer4", layer4_);
  register_module("fc", fc_);
  if (options.multi_task) {
    lesion_fc_ =
        register_module("lesion_fc", torch::nn::Linear(4 * kExpansion * options.base_width, 2));
  }
  if (options.coordinates) {
    coordinates_ = register_buffer("coordinates", CoordinateMaps(options.map_size()));
  }
}

ImageScores SliceNetImpl::ScoreImages(const torch::Tensor& images) {
  return Score(images, coordinates_);
}

ImageScores SliceNetImpl::ScoreParts(const torch::Tensor& images, const torch::Tensor& places) {
  if (!options_.coordinates) return Score(images, {});
  const int64_t cells = images.size(2) / 16;
  const torch::Tensor corners = places.to(torch::kCPU);
  std::vector<torch::Tensor> parts;
  for (int64_t i = 0; i < corners.size(0); ++i) {
    parts.push_back(coordinates_[0]
                        .narrow(1, corners[i][0].item<int64_t>(), cells)
                        .narrow(2, corners[i][1].item<int64_t>(), cells));
  }
  return Score(images, torch::stack(parts));
}

ImageScores SliceNetImpl::Score(const torch::Tensor& images, const torch::Tensor& coordinates) {
  torch::Tensor x = torch::relu(bn1_(conv1_(images)));
  x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  x = layer3_->forward(layer2_->forward(layer1_->forward(x)));

  ImageScores scores;
  scores.feature_map = x;
  const torch::Tensor pooled3 = x.mean({2, 3});
  std::vector<torch::Tensor> inputs = {x};
  if (options_.multi_task) {
    scores.lesion_logits = lesion_fc_(pooled3);
    if (options_.attention) {
      inputs.push_back(Maps(x, scores.lesion_logits.argmax(1), options_.map_measure).unsqueeze(1));
    }
  }
  if (options_.coordinates) inputs.push_back(coordinates.expand_as(x.slice(1, 0, 3)));

  scores.last_map = layer4_->forward(torch::cat(inputs, 1));
  const torch::Tensor pooled4 = scores.last_map.mean({2, 3});
  scores.class_logits = fc_(pooled4);
  scores.features = torch::cat({pooled3, pooled4}, 1);
  return scores;
}

torch::Tensor SliceNetImpl::Maps(const torch::Tensor& feature_map, const torch::Tensor& predicted,
                                 MapMeasure measure) const {
  return LocationMaps(feature_map, lesion_fc_->weight, predicted, measure);
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> SliceNetImpl::forward(
    const torch::Tensor& hu) {
  TORCH_CHECK(
      hu.dim() == 3 && hu.size(1) == options_.input_size && hu.size(2) == options_.input_size,
      "slices must be [B, ", options_.input_size, ", ", options_.input_size, "]; were ",
      hu.sizes());
  const int64_t windows = windows_->windows();
  const int64_t map_size = options_.map_size();
  // [B * W, ...] to the mean over W. Only fixed sizes and -1 may enter the graph.
  const auto mean_of_windows = [&](const torch::Tensor& x) {
    return x.unflatten(0, {-1, windows}).mean(1);
  };

  const ImageScores scores = ScoreImages(windows_(hu));
  const torch::Tensor classes = scores.class_logits.softmax(1);
  const torch::Tensor features = mean_of_windows(scores.features);
  if (!options_.multi_task) {
    const torch::Tensor mean = mean_of_windows(classes);
    const torch::Tensor healthy = mean.slice(1, 0, 1);
    const torch::Tensor no_map =
        torch::zeros_like(mean_of_windows(scores.feature_map.select(1, 0)));
    return {mean, torch::cat({healthy, 1 - healthy}, 1), no_map, features};
  }

  const torch::Tensor lesion = scores.lesion_logits.softmax(1);
  const torch::Tensor mean_lesion = mean_of_windows(lesion);
  const torch::Tensor predicted =
      mean_lesion.argmax(1).unsqueeze(1).expand({-1, windows}).reshape({-1});
  const torch::Tensor maps = Maps(scores.feature_map, predicted, options_.map_measure);
  return {mean_of_windows(CombineProbabilities(lesion, classes)), mean_lesion,
          maps.view({-1, windows, map_size, map_size}).mean(1), features};
}

torch::Tensor CombineProbabilities(const torch::Tensor& lesion, const torch::Tensor& classes) {
  const torch::Tensor without = lesion.slice(1, 0, 1);
  const torch::Tensor scaled = lesion.slice(1, 1, 2) * classes;
  return torch::cat({without + scaled.slice(1, 0, 1), scaled.slice(1, 1, kClasses)}, 1);
}

}  // namespace m3lung
