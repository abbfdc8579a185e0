#include "model/convolution_precision.h"

#include <map>
#include <set>
#include <vector>

#include "ATen/cpu/Utils.h"
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
    // What is put in between meanwhile is right as it is.
    const std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().end());
    for (Node* node : nodes) {
      if (node->kind() == at::aten::_convolution || node->kind() == at::aten::conv2d) {
        RewriteConvolution(*node);
      } else if (StaysBetweenConvolutions(*node)) {
        converted_.insert(node->output());
      } else {
        TakeFullPrecision(*node);
      }
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
    converted_.insert(node.output());
  }

  bool StaysBetweenConvolutions(const Node& node) const {
    const bool is_of_one = node.kind() == at::aten::relu || node.kind() == at::aten::max_pool2d;
    const bool is_of_two = node.kind() == at::aten::add;
    return (is_of_one && converted_.count(node.input(0)) > 0) ||
           (is_of_two && converted_.count(node.input(0)) > 0 &&
            converted_.count(node.input(1)) > 0);
  }

  void TakeFullPrecision(Node& node) {
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      Value* const input = node.input(i);
      if (converted_.count(input) == 0) continue;
      Value*& full = full_[input];
      if (full == nullptr) full = Convert(input, at::kFloat);
      node.replaceInput(i, full);
    }
  }

  // `value` in `type`, computed right after it.
  Value* Convert(Value* value, at::ScalarType type) {
    const torch::jit::WithInsertPoint after(value->node()->next());
    const auto layout = type == at::kFloat && converted_.count(value) > 0
                            ? at::MemoryFormat::Contiguous
                            : at::MemoryFormat::ChannelsLast;
    return graph_.insert(at::aten::to, {value, static_cast<int64_t>(type), false, false,
                                        static_cast<int64_t>(layout)});
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
