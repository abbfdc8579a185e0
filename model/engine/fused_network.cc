// SPDX-License-Identifier: Apache-2.0
#include "model/engine/fused_network.h"

#include <unordered_map>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "model/engine/convolution_region.h"
#include "torch/csrc/jit/codegen/onednn/interface.h"
#include "torch/csrc/jit/ir/constants.h"
#include "torch/csrc/jit/ir/ir.h"

namespace m3lung {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::GraphExecutor;
using torch::jit::GraphOptimizerEnabledGuard;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::toIValue;
using torch::jit::Value;

// LibTorch first looks what a graph is given, then compiles it for that, then runs it so.
constexpr int kRunsToFuse = 3;

// LibTorch knows passes for the whole process alone. Others' graphs are none of ours.
thread_local bool fuses_here = false;

void RegisterFusion() {
  static const auto registered = torch::jit::registerPrePass([](std::shared_ptr<Graph>& graph) {
    if (fuses_here) torch::jit::fuser::onednn::fuseGraph(graph);
  });
  (void)registered;
}

constexpr size_t kSelfSlot = 0;
constexpr size_t kHuSlot = 1;

// The fuser understands a window of 3 x 3 only where it is written so, not as 3.
void WriteSizesInFull(Graph& graph) {
  for (Node* node : graph.nodes()) {
    if (node->kind() != at::aten::max_pool2d) continue;
    for (size_t i = 1; i <= 4; ++i) {  // window, stride, padding, dilation
      const auto size = toIValue(node->input(i));
      if (!size.has_value() || !size->isIntList() || size->toIntVector().size() != 1) continue;
      const torch::jit::WithInsertPoint before(node);
      const int64_t side = size->toIntVector()[0];
      node->replaceInput(i, graph.insertConstant(std::vector<int64_t>{side, side}));
    }
  }
}

// The node of the graph itself in which `node` lies.
const Node* Outermost(const Node* node, const Block* top) {
  while (node->owningBlock() != top) node = node->owningBlock()->owningNode();
  return node;
}

}  // namespace

class FusedNetwork::Cutter {
 public:
  Cutter(Graph& graph, FusedNetwork& network) : graph_(graph), network_(network) {}

  void Cut() {
    slots_ = {{graph_.inputs().at(0), kSelfSlot}, {graph_.inputs().at(1), kHuSlot}};
    const auto region = ConvolutionRegion(graph_);
    std::vector<std::vector<Node*>> runs;
    for (Node* node : graph_.nodes()) {
      if (node->kind() == at::prim::Constant) continue;  // each piece gets its own
      if (runs.empty() || region.count(node) != region.count(runs.back().front())) {
        runs.emplace_back();
      }
      runs.back().push_back(node);
    }
    for (const std::vector<Node*>& nodes : runs) {
      AddPiece(nodes, region.count(nodes.front()) > 0);
    }
    network_.result_ = SlotOf(graph_.outputs().at(0));
    network_.slots_ = slots_.size();
    MarkLastUses();
  }

 private:
  size_t SlotOf(const Value* value) { return slots_.emplace(value, slots_.size()).first->second; }

  void AddPiece(const std::vector<Node*>& nodes, bool is_of_convolutions) {
    Piece piece;
    piece.is_of_convolutions = is_of_convolutions;
    piece.graph = std::make_shared<Graph>();
    std::unordered_map<const Value*, Value*> here;
    const auto take = [&](Value* value) {
      Value*& own = here[value];
      if (own != nullptr) return own;
      if (value->node()->kind() == at::prim::Constant) {
        own = piece.graph->appendNode(piece.graph->createClone(value->node(), {}))->output();
      } else {
        own = piece.graph->addInput();
        own->copyMetadata(value);
        piece.inputs.push_back({.slot = SlotOf(value)});
      }
      return own;
    };
    std::unordered_set<const Node*> inside(nodes.begin(), nodes.end());
    for (Node* node : nodes) {
      Node* const copy = piece.graph->appendNode(piece.graph->createClone(node, take));
      for (size_t i = 0; i < node->outputs().size(); ++i) {
        here[node->output(i)] = copy->output(i);
      }
    }
    for (Node* node : nodes) {
      for (Value* output : node->outputs()) {
        if (!IsWantedOutside(*output, inside)) continue;
        piece.graph->registerOutput(here[output]);
        piece.outputs.push_back(SlotOf(output));
      }
    }
    piece.plain = GraphExecutor(piece.graph, "slice network");
    network_.pieces_.push_back(std::move(piece));
  }

  bool IsWantedOutside(const Value& value, const std::unordered_set<const Node*>& inside) const {
    for (const auto& use : value.uses()) {
      if (inside.count(Outermost(use.user, graph_.block())) == 0) return true;
    }
    return false;
  }

  void MarkLastUses() {
    std::vector<bool> is_wanted(network_.slots_, false);
    is_wanted[network_.result_] = true;
    for (auto piece = network_.pieces_.rbegin(); piece != network_.pieces_.rend(); ++piece) {
      for (Input& input : piece->inputs) {
        input.is_last = !is_wanted[input.slot];
      }
      for (const Input& input : piece->inputs) is_wanted[input.slot] = true;
    }
  }

  Graph& graph_;
  FusedNetwork& network_;
  std::unordered_map<const Value*, size_t> slots_;
};

FusedNetwork::FusedNetwork(const torch::jit::Module& frozen) {
  const std::shared_ptr<Graph> graph = frozen.get_method("forward").graph()->copy();
  // Otherwise the module would stay, with weights that the graph has in another form.
  if (graph->inputs().at(0)->hasUses()) self_ = frozen._ivalue();
  WriteSizesInFull(*graph);
  Cutter(*graph, *this).Cut();
}

void FusedNetwork::Fuse(const torch::Tensor& hu) {
  RegisterFusion();
  for (Piece& piece : pieces_) {
    if (!piece.is_of_convolutions) continue;
    piece.fused[hu.size(0)] = GraphExecutor(piece.graph->copy(), "slice network");
  }
  const absl::Cleanup reset = [] { fuses_here = false; };
  fuses_here = true;
  for (int run = 0; run < kRunsToFuse; ++run) Run(hu);
}

torch::IValue FusedNetwork::Run(const torch::Tensor& hu) const {
  std::vector<torch::IValue> values(slots_);
  values[kSelfSlot] = self_;
  values[kHuSlot] = hu;
  for (const Piece& piece : pieces_) {
    Stack stack;
    stack.reserve(piece.inputs.size());
    for (const Input& input : piece.inputs) {
      torch::IValue& value = values[input.slot];
      if (input.is_last) {
        stack.push_back(std::move(value));
      } else {
        stack.push_back(value);
      }
    }
    const auto fused = piece.fused.find(hu.size(0));
    const bool is_fused = fused != piece.fused.end();
    {
      // Without it LibTorch compiles a graph anew for each shape it is given, for seconds.
      const GraphOptimizerEnabledGuard optimize(is_fused);
      GraphExecutor executor = is_fused ? fused->second : piece.plain;  // both share one
      executor.run(stack);
    }
    for (size_t i = 0; i < piece.outputs.size(); ++i) {
      values[piece.outputs[i]] = std::move(stack[i]);
    }
  }
  return std::move(values[result_]);
}

}  // namespace m3lung
