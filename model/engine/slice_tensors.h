// SPDX-License-Identifier: Apache-2.0
// Slices into the tensor that a slice network takes, and what it gives back out of its
// tensors, checked.
#ifndef M3LUNG_MODEL_ENGINE_SLICE_TENSORS_H_
#define M3LUNG_MODEL_ENGINE_SLICE_TENSORS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/engine/inference.h"
#include "torch/types.h"

namespace m3lung {

// int16 [N, size, size] of N slices of size x size HU, row by row. `pinned`: in memory from
// which a GPU copies beside other work; needs CUDA.
torch::Tensor SliceTensor(absl::Span<const int16_t* const> slices, int size, bool pinned = false);

// `tensor` on the CPU, float32 and contiguous. INTERNAL with the output's `name` where a value
// is not finite or the shape is not `shape`, in which -1 stands for any.
absl::StatusOr<torch::Tensor> CheckedOutput(absl::string_view name, const torch::Tensor& tensor,
                                            at::IntArrayRef shape);

// Class probabilities from the four values at `values`.
ClassProbabilities ToProbabilities(const float* values);

// The scores of `count` slices out of SliceNetImpl::forward()'s four tensors. INTERNAL where they
// are others.
absl::StatusOr<std::vector<SliceScores>> ScoresFrom(absl::Span<const torch::Tensor> outputs,
                                                    int64_t count, int feature_size);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_SLICE_TENSORS_H_
