// SPDX-License-Identifier: Apache-2.0
// What the slice network's two classifiers lose on a batch, and sums of it over an epoch.
#ifndef M3LUNG_TRAINING_TRAINERS_SLICE_LOSSES_H_
#define M3LUNG_TRAINING_TRAINERS_SLICE_LOSSES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "model/networks/slice_net.h"
#include "nlohmann/json.hpp"
#include "torch/types.h"

namespace m3lung {

// Cross-entropy, means over the batch; `lesion` is undefined without multi_task.
struct SliceLosses {
  torch::Tensor lesion, classes;

  torch::Tensor Total() const { return lesion.defined() ? lesion + classes : classes; }
};

// `lesions` and `labels`: int64 [B].
SliceLosses LossesOf(const ImageScores& scores, const torch::Tensor& lesions,
                     const torch::Tensor& labels);

// Over the images of an epoch, so that the means are exact whatever interrupts it.
struct SliceSums {
  int64_t images = 0;
  double lesion_loss = 0, class_loss = 0, mask_loss = 0;
  int64_t lesions_right = 0, classes_right = 0;
};

// All but the masks' loss.
void Add(const ImageScores& scores, const SliceLosses& losses, const torch::Tensor& lesions,
         const torch::Tensor& labels, SliceSums& sums);

nlohmann::ordered_json ToJson(const SliceSums& sums);
SliceSums SliceSumsFrom(const nlohmann::ordered_json& json);

// Means of the two losses and shares that are right, their names after `prefix`.
nlohmann::ordered_json ScalarsOf(const SliceSums& sums, absl::string_view prefix);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SLICE_LOSSES_H_
