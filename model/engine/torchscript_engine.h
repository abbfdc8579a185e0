// SPDX-License-Identifier: Apache-2.0
// A slice network as TorchScript.
#ifndef M3LUNG_MODEL_ENGINE_TORCHSCRIPT_ENGINE_H_
#define M3LUNG_MODEL_ENGINE_TORCHSCRIPT_ENGINE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/bundle/precision.h"
#include "model/engine/fused_network.h"
#include "model/engine/slice_engine.h"
#include "torch/script.h"

namespace m3lung {

// The network in the bytes of a TorchScript file, which are not needed afterwards; frozen. Errors
// are LibTorch's exceptions.
torch::jit::Module LoadTorchScript(absl::string_view file, torch::Device device);

class TorchScriptEngine final : public SliceEngine {
 public:
  // From the bytes of slice.ts, with the network's convolutions in `precision`.
  TorchScriptEngine(absl::string_view file, torch::Device device, Precision precision);

  std::string Name() const override;
  std::vector<torch::Tensor> Run(const torch::Tensor& hu) const override;
  // On the CPU alone (fused_network.h).
  std::shared_ptr<const SliceEngine> Fused(absl::Span<const torch::Tensor> like) const override;

 private:
  const Precision precision_;
  bool is_fused_ = false;
  FusedNetwork network_;
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_TORCHSCRIPT_ENGINE_H_
