// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/slice_losses.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using Json = nlohmann::ordered_json;

int64_t CountRight(const torch::Tensor& logits, const torch::Tensor& truth) {
  return logits.argmax(1).eq(truth).sum().item<int64_t>();
}

}  // namespace

Json ToJson(const SliceSums& sums) {
  return {{"images", sums.images},
          {"lesion_loss", sums.lesion_loss},
          {"class_loss", sums.class_loss},
          {"mask_loss", sums.mask_loss},
          {"lesions_right", sums.lesions_right},
          {"classes_right", sums.classes_right}};
}

SliceSums SliceSumsFrom(const Json& json) {
  return {.images = json.at("images"),
          .lesion_loss = json.at("lesion_loss"),
          .class_loss = json.at("class_loss"),
          .mask_loss = json.at("mask_loss"),
          .lesions_right = json.at("lesions_right"),
          .classes_right = json.at("classes_right")};
}

SliceLosses LossesOf(const ImageScores& scores, const torch::Tensor& lesions,
                     const torch::Tensor& labels) {
  SliceLosses losses;
  losses.classes =
      torch::nn::functional::cross_entropy(scores.class_logits.to(torch::kFloat32), labels);
  if (scores.lesion_logits.defined()) {
    losses.lesion =
        torch::nn::functional::cross_entropy(scores.lesion_logits.to(torch::kFloat32), lesions);
  }
  return losses;
}

void Add(const ImageScores& scores, const SliceLosses& losses, const torch::Tensor& lesions,
         const torch::Tensor& labels, SliceSums& sums) {
  const int64_t images = labels.size(0);
  sums.images += images;
  sums.class_loss += losses.classes.item<double>() * static_cast<double>(images);
  sums.classes_right += CountRight(scores.class_logits, labels);
  if (!losses.lesion.defined()) return;
  sums.lesion_loss += losses.lesion.item<double>() * static_cast<double>(images);
  sums.lesions_right += CountRight(scores.lesion_logits, lesions);
}

Json ScalarsOf(const SliceSums& sums, absl::string_view prefix) {
  const double images = static_cast<double>(std::max<int64_t>(1, sums.images));
  const auto name = [&](absl::string_view scalar) { return absl::StrCat(prefix, scalar); };
  return {{name("lesion_loss"), sums.lesion_loss / images},
          {name("class_loss"), sums.class_loss / images},
          {name("lesion_accuracy"), static_cast<double>(sums.lesions_right) / images},
          {name("class_accuracy"), static_cast<double>(sums.classes_right) / images}};
}

}  // namespace m3lung
