// SPDX-License-Identifier: Apache-2.0
#include "tests/model/tiny_bundle.h"

#include "torch/torch.h"

namespace m3lung::testing {
namespace {

void Disturb(torch::nn::Module& net) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : net.named_parameters()) {
    parameter.value().add_(torch::randn_like(parameter.value()) * 0.05);
  }
  for (auto& buffer : net.named_buffers()) {
    const std::string& name = buffer.key();
    if (name.find("running_mean") != std::string::npos) buffer.value().normal_(0, 0.3);
    if (name.find("running_var") != std::string::npos) buffer.value().uniform_(0.5, 2);
  }
  net.eval();
}

}  // namespace

SliceNetOptions TinySliceOptions() {
  SliceNetOptions options;
  options.base_width = 4;
  options.blocks = {1, 2, 1, 1};
  options.input_size = 96;
  return options;
}

PatientNetOptions TinyPatientOptions() {
  PatientNetOptions options;
  options.feature_size = TinySliceOptions().feature_size();
  options.reduced_size = 10;
  options.heads = 3;
  return options;
}

SliceNet MakeTinySliceNet(const SliceNetOptions& options, uint64_t seed) {
  torch::manual_seed(seed);
  SliceNet net(options);
  Disturb(*net);
  return net;
}

PatientNet MakeTinyPatientNet(const PatientNetOptions& options, uint64_t seed) {
  torch::manual_seed(seed);
  PatientNet net(options);
  Disturb(*net);
  return net;
}

torch::Tensor RandomHu(int slices, int size, uint64_t seed) {
  torch::manual_seed(seed);
  const torch::Tensor coarse = torch::rand({slices, 1, 7, 7}) * 1500 - 1100;
  const torch::Tensor smooth =
      torch::nn::functional::interpolate(coarse, torch::nn::functional::InterpolateFuncOptions()
                                                     .size(std::vector<int64_t>{size, size})
                                                     .mode(torch::kBilinear)
                                                     .align_corners(true));
  return smooth.squeeze(1).round().to(torch::kInt16).contiguous();
}

std::vector<HuPixels> ToPixels(const torch::Tensor& hu) {
  std::vector<HuPixels> slices;
  for (int64_t i = 0; i < hu.size(0); ++i) {
    const torch::Tensor slice = hu[i].contiguous();
    const int16_t* pixels = slice.const_data_ptr<int16_t>();
    slices.emplace_back(pixels, pixels + slice.numel());
  }
  return slices;
}

BundleContents TinyContents(const std::string& name, const std::string& version) {
  BundleContents contents;
  contents.manifest.name = name;
  contents.manifest.version = version;
  contents.manifest.crop_mode = CropMode::kPaper;
  contents.manifest.training_data = "none";
  contents.manifest.made_by = "a test, seed 1";
  contents.manifest.golden_tolerance = 1e-4F;
  contents.slice_net = MakeTinySliceNet(TinySliceOptions());
  contents.patient_net = MakeTinyPatientNet(TinyPatientOptions());
  contents.golden_slices = ToPixels(RandomHu(2, TinySliceOptions().input_size, 7));
  return contents;
}

}  // namespace m3lung::testing
