// SPDX-License-Identifier: Apache-2.0
#include "model/networks/location_map.h"

#include "torch/torch.h"

namespace m3lung {
namespace {

// Below this a length or a range counts as none, so that nothing is divided by 0.
constexpr double kTiny = 1e-12;

// Length along the channels, [N, C, H, W] to [N, H, W]. Clamped before the root,
// whose slope at 0 is infinite.
torch::Tensor Length(const torch::Tensor& x) { return x.square().sum(1).clamp_min(kTiny).sqrt(); }

torch::Tensor Closeness(const torch::Tensor& feature, const torch::Tensor& own,
                        const torch::Tensor& other, MapMeasure measure) {
  switch (measure) {
    case MapMeasure::kInnerProduct:
      return (feature * (own - other)).sum(1);
    case MapMeasure::kCosine:
      return (feature * own).sum(1) / (Length(feature) * Length(own));
    case MapMeasure::kEuclidean:
      return -Length(feature - own);
  }
  TORCH_CHECK(false, "unknown map measure");
}

}  // namespace

torch::Tensor LocationMaps(const torch::Tensor& feature, const torch::Tensor& prototypes,
                           const torch::Tensor& predicted, MapMeasure measure) {
  const torch::Tensor fixed = prototypes.detach();
  const auto rows = [&](const torch::Tensor& which) {
    return fixed.index_select(0, which).unsqueeze(-1).unsqueeze(-1);  // [N, C, 1, 1]
  };
  const torch::Tensor closeness = Closeness(feature, rows(predicted), rows(1 - predicted), measure);
  const torch::Tensor least = closeness.amin({1, 2}, /*keepdim=*/true);
  const torch::Tensor greatest = closeness.amax({1, 2}, /*keepdim=*/true);
  return (closeness - least) / (greatest - least).clamp_min(kTiny);
}

}  // namespace m3lung
