// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/torchscript_export.h"

#include <functional>
#include <memory>
#include <sstream>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "torch/csrc/jit/frontend/tracer.h"
#include "torch/script.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using Forward = std::function<torch::IValue(const torch::Tensor&)>;

// A script module with the children, parameters and buffers of `module` under
// the same names. The tensors are shared, which is how the tracer knows them.
torch::jit::Module Mirror(const torch::nn::Module& module, const std::string& type_name,
                          const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module mirror(c10::QualifiedName(type_name), unit, /*shouldMangle=*/true);
  mirror.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    mirror.register_parameter(parameter.key(), parameter.value(), /*is_buffer=*/false);
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    mirror.register_parameter(buffer.key(), buffer.value(), /*is_buffer=*/true);
  }
  for (const auto& child : module.named_children()) {
    mirror.register_module(child.key(),
                           Mirror(*child.value(), absl::StrCat(type_name, "_", child.key()), unit));
  }
  return mirror;
}

// Adds `method` to `script`: what `forward` does to `example`, as a graph. No
// plain integer of the example's shape may be used in `forward`: the tracer would
// take it for a constant.
void AddTraced(torch::jit::Module& script, const std::string& method, const std::string& argument,
               const torch::Tensor& example, const Forward& forward) {
  const auto traced = torch::jit::tracer::trace(
      {example},
      [&](torch::jit::Stack inputs) -> torch::jit::Stack {
        return {forward(inputs[0].toTensor())};
      },
      [](const torch::Tensor&) { return std::string(); }, /*strict=*/true,
      /*force_outplace=*/false, &script, {argument});
  auto* function = script._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*script.type()->name(), method), traced.first->graph);
  script.type()->addMethod(function);
}

// Runs `make` with `net` in evaluation mode and its parameters as constants (one
// that requires a gradient cannot be part of a traced graph), and puts the latter
// back.
absl::StatusOr<std::string> Export(torch::nn::Module& net, const std::string& type_name,
                                   absl::string_view what,
                                   const std::function<void(torch::jit::Module&)>& make) try {
  net.eval();
  std::vector<torch::Tensor> trained;
  for (torch::Tensor& parameter : net.parameters()) {
    if (parameter.requires_grad()) trained.push_back(parameter.requires_grad_(false));
  }
  const auto put_back = absl::MakeCleanup([&] {
    for (torch::Tensor& parameter : trained) parameter.requires_grad_(true);
  });
  const torch::NoGradGuard no_grad;
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  torch::jit::Module script = Mirror(net, type_name, unit);
  make(script);
  std::ostringstream file;
  script.save(file);
  return file.str();
} catch (const c10::Error& e) {
  return absl::InternalError(
      absl::StrCat("export of the ", what, " network: ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat("export of the ", what, " network: ", e.what()));
}

// The division into parts depends on N, which a trace would take for a constant:
// the same steps as PatientNetImpl::forward() and PartOfSlices(), in TorchScript.
std::string PatientForwardSource(const std::vector<int>& scales) {
  return absl::StrCat(R"(
def forward(self, features):
    slices = features.size(0)
    summaries: List[Tensor] = []
    for parts in [)",
                      absl::StrJoin(scales, ", "), R"(]:
        for part in range(parts):
            first = (part * slices) // parts
            last = ((part + 1) * slices + parts - 1) // parts
            summaries.append(self.summarise_part(features[first:last]))
    return self.classify(torch.cat(summaries))
)");
}

}  // namespace

absl::StatusOr<std::string> ExportSliceNet(SliceNet& net) {
  return Export(*net, "__torch__.m3lung.SliceNet", "slice", [&](torch::jit::Module& script) {
    const int size = net->options().input_size;
    const torch::Tensor hu = torch::randint(-1000, 400, {2, size, size}, torch::kInt16);
    AddTraced(script, "forward", "hu", hu,
              [&](const torch::Tensor& slices) { return torch::IValue(net->forward(slices)); });
  });
}

absl::StatusOr<std::string> ExportPatientNet(PatientNet& net) {
  return Export(*net, "__torch__.m3lung.PatientNet", "patient", [&](torch::jit::Module& script) {
    const torch::Tensor part = torch::rand({3, net->options().feature_size});
    AddTraced(script, "summarise_part", "part", part,
              [&](const torch::Tensor& x) { return torch::IValue(net->SummarisePart(x)); });
    std::vector<torch::Tensor> summaries;
    for (int parts : net->scales()) {
      for (int i = 0; i < parts; ++i) summaries.push_back(net->SummarisePart(part));
    }
    AddTraced(script, "classify", "summaries", torch::cat(summaries),
              [&](const torch::Tensor& x) { return torch::IValue(net->Classify(x).softmax(0)); });
    script.define(PatientForwardSource(net->scales()));
  });
}

}  // namespace m3lung
