// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/initial_weights.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using StateDict = c10::Dict<c10::IValue, c10::IValue>;

absl::StatusOr<StateDict> ReadStateDict(const std::filesystem::path& path) {
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    const c10::IValue value = torch::pickle_load(std::vector<char>(text.begin(), text.end()));
    if (value.isGenericDict()) return value.toGenericDict();
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " holds no state dict"));
  } catch (const c10::Error&) {
    // LibTorch's own words blame LibTorch: its reader knows no OrderedDict.
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(),
                     " cannot be read; write it in Python with torch.save(dict(state_dict), path): "
                     "a plain dict, not the OrderedDict that state_dict() gives"));
  }
}

std::string ShapeOf(const torch::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]");
}

// The two convolutions that see ResBlock4's input.
bool SeesExtraChannels(const std::string& name) {
  return name == "layer4.0.conv1.weight" || name == "layer4.0.downsample.0.weight";
}

absl::Status Load(const std::string& name, const StateDict& weights, torch::Tensor target) {
  const auto found = weights.find(name);
  if (found == weights.end() || !found->value().isTensor()) {
    return absl::InvalidArgumentError(absl::StrCat("the initial weights lack ", name));
  }
  const torch::Tensor source = found->value().toTensor();
  torch::Tensor part = target;
  if (SeesExtraChannels(name) && source.dim() == 4 && source.size(1) < target.size(1)) {
    target.zero_();
    part = target.narrow(1, 0, source.size(1));
  }
  if (source.sizes() != part.sizes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the initial weights' ", name, " is ", ShapeOf(source), "; the network's is ",
                     ShapeOf(target), ", which must be the paper's (--base-width=64)"));
  }
  part.copy_(source);
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadInitialWeights(const std::filesystem::path& state_dict, SliceNet& net) {
  M3L_ASSIGN_OR_RETURN(const StateDict weights, ReadStateDict(state_dict));
  const torch::NoGradGuard no_grad;
  const auto is_backbone = [](const std::string& name) {
    return absl::StartsWith(name, "conv1.") || absl::StartsWith(name, "bn1.") ||
           absl::StartsWith(name, "layer");
  };
  for (const auto& item : net->named_parameters()) {
    if (is_backbone(item.key())) M3L_RETURN_IF_ERROR(Load(item.key(), weights, item.value()));
  }
  for (const auto& item : net->named_buffers()) {
    if (is_backbone(item.key())) M3L_RETURN_IF_ERROR(Load(item.key(), weights, item.value()));
  }
  return absl::OkStatus();
}

}  // namespace m3lung
