// SPDX-License-Identifier: Apache-2.0
// What computes the slice network of a bundle.
#ifndef M3LUNG_MODEL_ENGINE_SLICE_ENGINE_H_
#define M3LUNG_MODEL_ENGINE_SLICE_ENGINE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "torch/types.h"

namespace m3lung {

// Errors are exceptions, LibTorch's among them: the runner turns them into statuses.
// Thread safety: methods may be called from any thread.
class SliceEngine {
 public:
  virtual ~SliceEngine() = default;

  // How it computes, and in which precision: "TorchScript fp32, fused".
  virtual std::string Name() const = 0;

  // What SliceNetImpl::forward() gives for `hu`, int16 [N, S, S] on the engine's device: class
  // probabilities, lesion probabilities, location maps and features.
  virtual std::vector<torch::Tensor> Run(const torch::Tensor& hu) const = 0;

  // The same network with its convolutions compiled for batches like these; this one stays as it
  // is. Null where the engine has nothing to compile.
  virtual std::shared_ptr<const SliceEngine> Fused(absl::Span<const torch::Tensor> /*like*/) const {
    return nullptr;
  }
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_SLICE_ENGINE_H_
