// SPDX-License-Identifier: Apache-2.0
#include "model/networks/patient_net.h"

#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "model/engine/inference.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

bool Aggregates(const PatientNetOptions& options) {
  return options.variant != PatientVariant::kMaxPooling;
}

// Length of what Classify() takes.
int SummariesSize(const PatientNetOptions& options) {
  if (!Aggregates(options)) return options.feature_size;
  return std::accumulate(options.scales.begin(), options.scales.end(), 0) * options.reduced_size;
}

}  // namespace

absl::Status Validate(const PatientNetOptions& options) {
  const auto positive = [](absl::string_view name, int value) {
    return value >= 1
               ? absl::OkStatus()
               : absl::InvalidArgumentError(absl::StrCat(name, " must be positive; was ", value));
  };
  for (const absl::Status& status : {positive("feature size", options.feature_size),
                                     positive("reduced size", options.reduced_size),
                                     positive("number of heads", options.heads)}) {
    if (!status.ok()) return status;
  }
  if (options.scales.empty()) return absl::InvalidArgumentError("scales must not be empty");
  for (int scale : options.scales) {
    if (scale < 1) {
      return absl::InvalidArgumentError(absl::StrCat("a scale must be positive; was ", scale));
    }
  }
  return absl::OkStatus();
}

std::pair<int64_t, int64_t> PartOfSlices(int64_t slices, int part, int parts) {
  return {part * slices / parts, ((part + 1) * slices + parts - 1) / parts};
}

PatientNetImpl::PatientNetImpl(const PatientNetOptions& options)
    : options_(options),
      scales_(Aggregates(options) ? options.scales : std::vector<int>{1}),
      reduce_(SummariesSize(options), options.reduced_size),
      classifier_(options.reduced_size, kClasses) {
  const int full = options.feature_size, reduced = options.reduced_size;
  if (options.variant == PatientVariant::kRefineAndAggregate) {
    const int all_heads = options.heads * reduced;
    refine_query_ = register_module("refine_query", torch::nn::Linear(full, all_heads));
    refine_key_ = register_module("refine_key", torch::nn::Linear(full, all_heads));
    refine_value_ = register_module("refine_value", torch::nn::Linear(full, all_heads));
    refine_out_ = register_module("refine_out", torch::nn::Linear(all_heads, full));
  }
  if (Aggregates(options)) {
    aggregate_query_ = register_parameter("aggregate_query", torch::randn({reduced}));
    aggregate_key_ = register_module("aggregate_key", torch::nn::Linear(full, reduced));
    aggregate_value_ = register_module("aggregate_value", torch::nn::Linear(full, reduced));
  }
  register_module("reduce", reduce_);
  register_module("classifier", classifier_);
}

PatientNetImpl::Projected PatientNetImpl::Project(const torch::Tensor& features) {
  if (options_.variant != PatientVariant::kRefineAndAggregate) return {features, {}, {}, {}};
  return {features, refine_query_(features), refine_key_(features), refine_value_(features)};
}

// Equations 1 to 3 in each head: every slice attends to all slices of the part.
torch::Tensor PatientNetImpl::Refine(const Projected& part) {
  const auto by_head = [&](const torch::Tensor& x) {  // [n, h * D'] to [h, n, D']
    return x.view({-1, options_.heads, options_.reduced_size}).transpose(0, 1);
  };
  const torch::Tensor key = by_head(part.key);
  const torch::Tensor weights =
      (by_head(part.query).matmul(key.transpose(1, 2)) / std::sqrt(options_.reduced_size))
          .softmax(2);
  const torch::Tensor seen =
      weights.matmul(by_head(part.value)).transpose(0, 1).flatten(1);  // [n, h * D']
  return part.features + refine_out_(seen);
}

torch::Tensor PatientNetImpl::SummarisePart(const torch::Tensor& part) {
  return Summarise(Project(part));
}

torch::Tensor PatientNetImpl::Summarise(const Projected& part) {
  if (!Aggregates(options_)) return part.features.amax(0);
  const torch::Tensor refined =
      options_.variant == PatientVariant::kRefineAndAggregate ? Refine(part) : part.features;
  const torch::Tensor weights =
      (aggregate_key_(refined).matmul(aggregate_query_) / std::sqrt(options_.reduced_size))
          .softmax(0);  // [n]
  return weights.matmul(aggregate_value_(refined));
}

torch::Tensor PatientNetImpl::Classify(const torch::Tensor& summaries) {
  return classifier_(torch::relu(reduce_(summaries)));
}

torch::Tensor PatientNetImpl::forward(const torch::Tensor& features) {
  // Every part of every scale reads the same projections of a slice.
  const Projected all = Project(features);
  std::vector<torch::Tensor> summaries;
  for (int parts : scales_) {
    for (int part = 0; part < parts; ++part) {
      const auto [first, last] = PartOfSlices(features.size(0), part, parts);
      const auto rows = [first = first, last = last](const torch::Tensor& x) {
        return x.defined() ? x.slice(0, first, last) : x;
      };
      summaries.push_back(
          Summarise({rows(all.features), rows(all.query), rows(all.key), rows(all.value)}));
    }
  }
  return Classify(torch::cat(summaries));
}

}  // namespace m3lung
