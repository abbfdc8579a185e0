// SPDX-License-Identifier: Apache-2.0
// The patient-level classification network: slice features refined by each
// other, aggregated at several scales, and classified.
//
// Source: the paper, section III-C and figure 6; how its equations are read:
// docs/adr/0005-patient-net.md.
#ifndef M3LUNG_MODEL_NETWORKS_PATIENT_NET_H_
#define M3LUNG_MODEL_NETWORKS_PATIENT_NET_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "torch/nn/modules/linear.h"
#include "torch/nn/pimpl.h"

namespace m3lung {

// The variants of the paper's table IV.
enum class PatientVariant {
  kMaxPooling,         // the greatest value of each feature, no attention
  kAggregation,        // parts aggregated, not refined; single-scale with scales = {3}
  kRefineAndAggregate  // the paper's own
};

struct PatientNetOptions {
  int feature_size = 3072;  // D
  int reduced_size = 512;   // D', of each head
  int heads = 12;           // h
  std::vector<int> scales = {1, 2, 3, 4};
  PatientVariant variant = PatientVariant::kRefineAndAggregate;
};

// INVALID_ARGUMENT names the option that is out of range.
absl::Status Validate(const PatientNetOptions& options);

// Slices [first, second) of part `part` of `parts` of `slices`: neighbouring
// parts share a slice where the division leaves a rest, so that none is empty,
// also with fewer slices than parts.
// REQUIRES: slices >= 1, 0 <= part < parts.
std::pair<int64_t, int64_t> PartOfSlices(int64_t slices, int part, int parts);

class PatientNetImpl : public torch::nn::Module {
 public:
  // REQUIRES: Validate(options) is OK.
  explicit PatientNetImpl(const PatientNetOptions& options);

  // `features` [N, D] from head to feet, N >= 1; returns logits [4].
  torch::Tensor forward(const torch::Tensor& features);

  // The head, shared by all parts of all scales: [n, D] to [D'] ([D] for max
  // pooling). Can be traced for any n.
  torch::Tensor SummarisePart(const torch::Tensor& part);

  // What all parts gave, one after the other by scale and place, to logits [4].
  torch::Tensor Classify(const torch::Tensor& summaries);

  // Scales that the slices are divided by; {1} for max pooling.
  const std::vector<int>& scales() const { return scales_; }
  const PatientNetOptions& options() const { return options_; }
  torch::nn::Linear& classifier() { return classifier_; }

 private:
  // Slices with what refinement asks of each: [n, D], and three [n, h * D'], undefined
  // where the variant does not refine.
  struct Projected {
    torch::Tensor features, query, key, value;
  };
  Projected Project(const torch::Tensor& features);
  torch::Tensor Refine(const Projected& part);
  torch::Tensor Summarise(const Projected& part);

  const PatientNetOptions options_;
  const std::vector<int> scales_;

  // Refinement: D to h * D', and back.
  torch::nn::Linear refine_query_{nullptr}, refine_key_{nullptr}, refine_value_{nullptr};
  torch::nn::Linear refine_out_{nullptr};
  // Aggregation: k takes the place of the queries.
  torch::Tensor aggregate_query_;                                        // [D']
  torch::nn::Linear aggregate_key_{nullptr}, aggregate_value_{nullptr};  // D to D'

  torch::nn::Linear reduce_;      // all summaries to D'
  torch::nn::Linear classifier_;  // D' to 4
};
TORCH_MODULE(PatientNet);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_PATIENT_NET_H_
