// SPDX-License-Identifier: Apache-2.0
#include "model/engine/patient_network.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/engine/guarded.h"
#include "model/engine/slice_tensors.h"
#include "model/engine/torchscript_engine.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

torch::jit::Module LoadPatientNet(absl::string_view file, torch::Device device) {
  torch::jit::Module module = LoadTorchScript(file, device);
  return device.is_cpu() ? torch::jit::optimize_for_inference(module) : module;
}

}  // namespace

PatientNetwork::PatientNetwork(absl::string_view file, torch::Device device, int feature_size)
    : device_(device), feature_size_(feature_size), network_(LoadPatientNet(file, device)) {}

absl::StatusOr<ClassProbabilities> PatientNetwork::Assess(
    absl::Span<const std::vector<float>* const> features) {
  if (features.empty()) {
    return absl::InvalidArgumentError("patient network: needs the features of at least one slice");
  }
  const size_t size = feature_size_;
  for (const std::vector<float>* slice : features) {
    if (slice->size() != size) {
      return absl::InvalidArgumentError(absl::StrCat("patient network: a slice has ", slice->size(),
                                                     " features; expected ", size));
    }
  }
  return Guarded<ClassProbabilities>(
      "patient network", [&]() -> absl::StatusOr<ClassProbabilities> {
        const int64_t count = static_cast<int64_t>(features.size());
        torch::Tensor input = torch::empty({count, feature_size_}, torch::kFloat32);
        for (int64_t i = 0; i < count; ++i) {
          std::copy_n(features[i]->data(), size, input.mutable_data_ptr<float>() + i * size);
        }
        torch::IValue output;
        {
          absl::MutexLock lock(&mu_);
          output = network_.forward({input.to(device_)});
        }
        M3L_ASSIGN_OR_RETURN(const auto probabilities,
                             CheckedOutput("patient probabilities", output.toTensor(), {kClasses}));
        return ToProbabilities(probabilities.const_data_ptr<float>());
      });
}

}  // namespace m3lung
