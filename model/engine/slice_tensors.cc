// SPDX-License-Identifier: Apache-2.0
#include "model/engine/slice_tensors.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

std::vector<float> Row(const torch::Tensor& matrix, int64_t row) {
  const torch::Tensor values = matrix[row];
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
}

}  // namespace

torch::Tensor SliceTensor(absl::Span<const int16_t* const> slices, int size, bool pinned) {
  const auto count = static_cast<int64_t>(slices.size());
  const int64_t pixels = static_cast<int64_t>(size) * size;
  torch::Tensor hu =
      torch::empty({count, size, size}, torch::TensorOptions(torch::kInt16).pinned_memory(pinned));
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(slices[i], pixels, hu.mutable_data_ptr<int16_t>() + i * pixels);
  }
  return hu;
}

absl::StatusOr<torch::Tensor> CheckedOutput(absl::string_view name, const torch::Tensor& tensor,
                                            at::IntArrayRef shape) {
  const torch::Tensor checked = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  bool right_shape = checked.dim() == static_cast<int64_t>(shape.size());
  for (size_t i = 0; right_shape && i < shape.size(); ++i) {
    right_shape = shape[i] < 0 || shape[i] == checked.size(static_cast<int64_t>(i));
  }
  if (!right_shape) {
    return absl::InternalError(absl::StrCat("output \"", name, "\" has an unexpected shape"));
  }
  const float* values = checked.const_data_ptr<float>();
  if (!std::all_of(values, values + checked.numel(), [](float v) { return std::isfinite(v); })) {
    return absl::InternalError(
        absl::StrCat("output \"", name, "\" holds a value that is not finite"));
  }
  return checked;
}

ClassProbabilities ToProbabilities(const float* values) {
  ClassProbabilities probabilities;
  std::copy_n(values, kClasses, probabilities.begin());
  return probabilities;
}

absl::StatusOr<std::vector<SliceScores>> ScoresFrom(absl::Span<const torch::Tensor> outputs,
                                                    int64_t count, int feature_size) {
  if (outputs.size() != 4) return absl::InternalError("slice network: expected four outputs");
  M3L_ASSIGN_OR_RETURN(const auto classes,
                       CheckedOutput("class probabilities", outputs[0], {count, kClasses}));
  M3L_ASSIGN_OR_RETURN(const auto lesion,
                       CheckedOutput("lesion probabilities", outputs[1], {count, 2}));
  M3L_ASSIGN_OR_RETURN(const auto maps,
                       CheckedOutput("location maps", outputs[2], {count, -1, -1}));
  M3L_ASSIGN_OR_RETURN(const auto features,
                       CheckedOutput("features", outputs[3], {count, feature_size}));
  std::vector<SliceScores> scores(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    SliceScores& score = scores[i];
    score.probabilities = ToProbabilities(classes.const_data_ptr<float>() + i * kClasses);
    score.lesion_probability = lesion.const_data_ptr<float>()[2 * i + 1];
    score.map = {.rows = static_cast<int>(maps.size(1)),
                 .columns = static_cast<int>(maps.size(2)),
                 .values = Row(maps, i)};
    score.features = Row(features, i);
  }
  return scores;
}

}  // namespace m3lung
