// SPDX-License-Identifier: Apache-2.0
#include "model/engine/convolution_precision.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "ATen/cpu/Utils.h"
#include "model/engine/convolution_region.h"
#include "torch/csrc/jit/ir/constants.h"
#include "torch/csrc/jit/ir/ir.h"

namespace m3lung {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::toIValue;
using torch::jit::Value;

class ConvolutionRewriter {
 public:
  ConvolutionRewriter(Graph& graph, at::ScalarType type) : graph_(graph), type_(type) {}

  void Run() {
    const auto region = ConvolutionRegion(graph_);
    // What is put in between meanwhile is right as it is.
    const std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().end());
    for (Node* node : nodes) {
      if (JoinsChannels(*node)) {
        JoinChannels(*node);
        continue;
      }
      if (region.count(node) == 0) {
        if (!IsListToJoin(*node)) TakeFullPrecision(*node);
        continue;
      }
      if (node->kind() == at::aten::_convolution || node->kind() == at::aten::conv2d) {
        RewriteConvolution(*node);
      }
      converted_.insert(node->output());
    }
    TakeFullPrecision(*graph_.return_node());
  }

 private:
  void RewriteConvolution(Node& node) {
    if (converted_.count(node.input(0)) == 0) {
      node.replaceInput(0, Convert(node.input(0), type_));
    }
    for (const size_t parameter : {1, 2}) {  // weight and bias
      const auto constant = toIValue(node.input(parameter));
      if (!constant.has_value() || !constant->isTensor()) continue;  // a convolution without bias
      const torch::jit::WithInsertPoint before(&node);
      torch::Tensor tensor = constant->toTensor().to(type_);
      if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
      node.replaceInput(parameter, graph_.insertConstant(tensor));
    }
  }

  // Whether it joins images along their channels, of which some are of convolutions.
  bool JoinsChannels(const Node& node) const {
    if (node.kind() != at::aten::cat) return false;
    const Node& list = *node.input(0)->node();
    const auto dimension = toIValue(node.input(1));
    return list.kind() == at::prim::ListConstruct && dimension.has_value() && dimension->isInt() &&
           dimension->toInt() == 1 &&
           std::any_of(list.inputs().begin(), list.inputs().end(),
                       [&](const Value* image) { return converted_.count(image) > 0; });
  }

  bool IsListToJoin(const Node& node) const {
    return node.kind() == at::prim::ListConstruct && node.output()->uses().size() == 1 &&
           JoinsChannels(*node.output()->uses()[0].user);
  }

  // As if the channels were the last dimension, in which order they lie: LibTorch joins images
  // of several layouts value by value, thirty times as slowly.
  void JoinChannels(Node& join) {
    const torch::jit::WithInsertPoint before(&join);
    std::vector<Value*> images;
    for (Value* image : join.input(0)->node()->inputs()) {
      if (converted_.count(image) == 0) {
        image = graph_.insert(at::aten::to, {image, static_cast<int64_t>(type_)});
      }
      images.push_back(graph_.insert(at::aten::permute, {image, std::vector<int64_t>{0, 2, 3, 1}}));
    }
    Node* const list = graph_.insertNode(graph_.createList(c10::TensorType::get(), images));
    Value* const joined = graph_.insert(at::aten::cat, {list->output(), 3});
    Value* const result =
        graph_.insert(at::aten::permute, {joined, std::vector<int64_t>{0, 3, 1, 2}});
    converted_.insert(result);
    join.output()->replaceAllUsesWith(result);
    Node* const parts = join.input(0)->node();
    join.destroy();
    if (!parts->hasUses()) parts->destroy();
  }

  void TakeFullPrecision(Node& node) {
    if (type_ == at::kFloat) return;
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      Value* const input = node.input(i);
      if (converted_.count(input) == 0) continue;
      Value*& full = full_[input];
      if (full == nullptr) full = Convert(input, at::kFloat);
      node.replaceInput(i, full);
    }
  }

  // `value` in `type` and channels last, computed right after it.
  Value* Convert(Value* value, at::ScalarType type) {
    const torch::jit::WithInsertPoint after(value->node()->next());
    return graph_.insert(at::aten::to, {value, static_cast<int64_t>(type), false, false,
                                        static_cast<int64_t>(at::MemoryFormat::ChannelsLast)});
  }

  Graph& graph_;
  const at::ScalarType type_;
  std::set<const Value*> converted_;  // computed in `type_`
  std::map<const Value*, Value*> full_;
};

}  // namespace

at::ScalarType TypeOf(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return at::kFloat;
    case Precision::kBf16:
      return at::kBFloat16;
    case Precision::kFp16:
      return at::kHalf;
  }
  return at::kFloat;
}

void SetConvolutionType(torch::jit::Module& frozen, at::ScalarType type) {
  ConvolutionRewriter(*frozen.get_method("forward").graph(), type).Run();
}

bool ProcessorOffers(Precision precision) {
  if (precision == Precision::kFp32) return true;
  const auto capabilities = at::cpu::get_cpu_capabilities();
  const auto has = [&](const char* instructions) {
    const auto at = capabilities.find(instructions);
    return at != capabilities.end() && at->second.isBool() && at->second.toBool();
  };
  if (precision == Precision::kBf16) return has("avx512_bf16") || has("amx_bf16");
  return has("avx512_fp16") || has("amx_fp16");
}

}  // namespace m3lung
