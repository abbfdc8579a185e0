// SPDX-License-Identifier: Apache-2.0
#include "model/engine/torchscript_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "caffe2/serialize/read_adapter_interface.h"
#include "model/engine/convolution_precision.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

// Lets LibTorch read an archive where it lies in memory.
class MemoryReader final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryReader(absl::string_view bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_.size(); }
  size_t read(uint64_t position, void* to, size_t count, const char*) const override {
    if (position >= bytes_.size()) return 0;
    const size_t here = std::min<size_t>(count, bytes_.size() - position);
    std::memcpy(to, bytes_.data() + position, here);
    return here;
  }

 private:
  const absl::string_view bytes_;
};

FusedNetwork LoadSliceNet(absl::string_view file, torch::Device device, Precision precision) {
  torch::jit::Module module = LoadTorchScript(file, device);
  SetConvolutionType(module, TypeOf(precision));
  return FusedNetwork(module);
}

}  // namespace

torch::jit::Module LoadTorchScript(absl::string_view file, torch::Device device) {
  torch::jit::Module module = torch::jit::load(std::make_shared<MemoryReader>(file), device);
  module.eval();
  return torch::jit::freeze(module);
}

TorchScriptEngine::TorchScriptEngine(absl::string_view file, torch::Device device,
                                     Precision precision)
    : precision_(precision), network_(LoadSliceNet(file, device, precision)) {}

std::string TorchScriptEngine::Name() const {
  return absl::StrCat("TorchScript ", PrecisionName(precision_), is_fused_ ? ", fused" : "");
}

std::vector<torch::Tensor> TorchScriptEngine::Run(const torch::Tensor& hu) const {
  const torch::IValue output = network_.Run(hu);
  std::vector<torch::Tensor> parts;
  for (const torch::IValue& part : output.toTupleRef().elements()) {
    parts.push_back(part.toTensor());
  }
  return parts;
}

std::shared_ptr<const SliceEngine> TorchScriptEngine::Fused(
    absl::Span<const torch::Tensor> like) const {
  auto fused = std::make_shared<TorchScriptEngine>(*this);
  for (const torch::Tensor& hu : like) {
    if (!hu.device().is_cpu()) return nullptr;
    fused->network_.Fuse(hu);
  }
  fused->is_fused_ = true;
  return fused;
}

}  // namespace m3lung
