// SPDX-License-Identifier: Apache-2.0
#include "model/engine/convolution_region.h"

namespace m3lung {

using torch::jit::Node;

std::unordered_set<const Node*> ConvolutionRegion(const torch::jit::Graph& graph) {
  std::unordered_set<const Node*> region;
  const auto comes_from_it = [&](const Node& node, size_t input) {
    return region.count(node.input(input)->node()) > 0;
  };
  for (const Node* node : graph.nodes()) {
    const auto kind = node->kind();
    const bool convolves = kind == at::aten::_convolution || kind == at::aten::conv2d;
    const bool is_of_one = kind == at::aten::relu || kind == at::aten::max_pool2d;
    if (convolves || (is_of_one && comes_from_it(*node, 0)) ||
        (kind == at::aten::add && comes_from_it(*node, 0) && comes_from_it(*node, 1))) {
      region.insert(node);
    }
  }
  return region;
}

}  // namespace m3lung
