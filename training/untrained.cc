// SPDX-License-Identifier: Apache-2.0
#include "training/untrained.h"

#include <functional>
#include <optional>
#include <vector>

#include "torch/torch.h"

namespace m3lung {
namespace {

// Bounds the memory that activations take.
constexpr int64_t kBatch = 4;

// `of` of all slices, in batches, one row an image.
torch::Tensor InBatches(SliceNet& net, const torch::Tensor& hu,
                        const std::function<torch::Tensor(const ImageScores&)>& of) {
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& batch : hu.split(kBatch)) {
    rows.push_back(of(net->ScoreImages(net->windows()->forward(batch))));
  }
  return torch::cat(rows);
}

// Mean and variance of every normalisation, averaged over the batches.
void TakeBatchStatistics(SliceNet& net, const torch::Tensor& hu) {
  std::vector<torch::nn::BatchNorm2dImpl*> norms;
  for (const auto& module : net->modules()) {
    if (auto* norm = module->as<torch::nn::BatchNorm2dImpl>()) norms.push_back(norm);
  }
  std::vector<std::optional<double>> momenta;
  for (auto* norm : norms) {
    momenta.push_back(norm->options.momentum());
    norm->reset_running_stats();
    norm->options.momentum(std::nullopt);  // the plain average
  }
  net->train();
  InBatches(net, hu, [](const ImageScores& scores) { return scores.class_logits; });
  net->eval();
  for (size_t i = 0; i < norms.size(); ++i) norms[i]->options.momentum(momenta[i]);
}

// Scales the rows of `classifier` so that `logits`, which it gave, would have mean
// 0 and deviation 1.
void Standardise(torch::nn::Linear& classifier, const torch::Tensor& logits) {
  const torch::Tensor mean = logits.mean(0);
  const torch::Tensor deviation = logits.std(0).clamp_min(1e-6);
  classifier->weight.div_(deviation.unsqueeze(1));
  classifier->bias.sub_(mean).div_(deviation);
}

}  // namespace

UntrainedNets MakeUntrainedNets(const SliceNetOptions& slice_options,
                                const PatientNetOptions& patient_options, uint64_t seed,
                                const torch::Tensor& hu) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(seed);
  UntrainedNets nets{SliceNet(slice_options), PatientNet(patient_options)};
  SliceNet& net = nets.slice_net;
  TakeBatchStatistics(net, hu);
  Standardise(net->lesion_classifier(),
              InBatches(net, hu, [](const ImageScores& scores) { return scores.lesion_logits; }));
  // The map, and so ResBlock4, follows the lesion classifier: once more.
  TakeBatchStatistics(net, hu);
  Standardise(net->classifier(),
              InBatches(net, hu, [](const ImageScores& scores) { return scores.class_logits; }));
  nets.patient_net->eval();
  return nets;
}

}  // namespace m3lung
