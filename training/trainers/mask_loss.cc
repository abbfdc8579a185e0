// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/mask_loss.h"

#include "torch/torch.h"

namespace m3lung {
namespace {

// A slice's logits are means over cells, so a lesion of a few cells needs values far above
// 1 there to decide them: cells are judged by a part of their value, and above a threshold.
constexpr double kPlaceScale = 0.125, kPlaceThreshold = 2;
constexpr double kKindScale = 0.25;

// Cells with less than the one have no lesion, with more than the other have; the few
// between are left out.
constexpr double kNone = 0.01, kSome = 0.1;

torch::Tensor MeanWhere(const torch::Tensor& losses, const torch::Tensor& where) {
  return (losses * where).sum() / where.sum().clamp_min(1);
}

torch::Tensor PlaceLoss(SliceNetImpl& net, const torch::Tensor& feature_map,
                        const torch::Tensor& covers) {
  const torch::Tensor& prototypes = net.lesion_classifier()->weight;
  const torch::Tensor difference = (prototypes[1] - prototypes[0]).view({1, -1, 1, 1});
  const torch::Tensor logits =
      (feature_map.to(torch::kFloat32) * difference).sum(1) * kPlaceScale - kPlaceThreshold;
  const torch::Tensor with = (covers > kSome).to(torch::kFloat32);
  const torch::Tensor without = ((covers >= 0) & (covers < kNone)).to(torch::kFloat32);
  const torch::Tensor losses = torch::nn::functional::binary_cross_entropy_with_logits(
      logits, with,
      torch::nn::functional::BinaryCrossEntropyWithLogitsFuncOptions().reduction(torch::kNone));
  return (MeanWhere(losses, with) + MeanWhere(losses, without)) / 2;
}

torch::Tensor KindLoss(SliceNetImpl& net, const torch::Tensor& last_map,
                       const torch::Tensor& covers, const torch::Tensor& labels) {
  const torch::Tensor cells = torch::avg_pool2d(covers.unsqueeze(1), 2).squeeze(1);  // [N, h, h]
  const torch::Tensor with = (cells > kSome / 2).to(torch::kFloat32);
  const torch::Tensor logits =
      net.classifier()->forward(last_map.to(torch::kFloat32).permute({0, 2, 3, 1})) * kKindScale;
  const torch::Tensor losses = torch::nn::functional::cross_entropy(
      logits.permute({0, 3, 1, 2}),
      labels.view({-1, 1, 1}).expand({-1, cells.size(1), cells.size(2)}),
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
  const torch::Tensor cells_of = with.sum({1, 2});
  const torch::Tensor of_slices = (losses * with).sum({1, 2}) / cells_of.clamp_min(1);
  return MeanWhere(of_slices, (cells_of > 0).to(torch::kFloat32));
}

}  // namespace

torch::Tensor MaskLoss(SliceNetImpl& net, const ImageScores& scores, const torch::Tensor& covers,
                       const torch::Tensor& labels) {
  return PlaceLoss(net, scores.feature_map, covers) +
         KindLoss(net, scores.last_map, covers, labels);
}

}  // namespace m3lung
