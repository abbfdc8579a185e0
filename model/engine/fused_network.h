// SPDX-License-Identifier: Apache-2.0
// A slice network in pieces, of which those of convolutions are compiled.
#ifndef M3LUNG_MODEL_ENGINE_FUSED_NETWORK_H_
#define M3LUNG_MODEL_ENGINE_FUSED_NETWORK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "torch/csrc/jit/runtime/graph_executor.h"
#include "torch/script.h"

namespace m3lung {

// Runs the graph of a frozen network, cut where convolutions begin and end. Between the cuts
// oneDNN Graph, of which LibTorch has a copy, can make one kernel of a convolution, the sum and
// the rectifier behind it, in the layout that it likes best, for one size of batch at a time. It
// is kept from the rest of the network because it fails on other operations
// (docs/adr/0013-fusion.md).
//
// Errors are LibTorch's exceptions.
// Thread safety: Run() may be called by several threads at once, Fuse() by none beside another.
// A copy computes the same, and is fused on its own.
class FusedNetwork {
 public:
  // `frozen`: a module whose forward() takes one tensor, as SetConvolutionType() left it.
  explicit FusedNetwork(const torch::jit::Module& frozen);

  // Compiles for batches like `hu`, on the CPU, which takes a few runs. Batches of other sizes
  // run as before.
  void Fuse(const torch::Tensor& hu);

  // What forward() returns.
  torch::IValue Run(const torch::Tensor& hu) const;

 private:
  // Where a piece takes a value from, and whether it is the last to want it.
  struct Input {
    size_t slot = 0;
    bool is_last = false;
  };
  struct Piece {
    bool is_of_convolutions = false;
    std::shared_ptr<torch::jit::Graph> graph;
    std::vector<Input> inputs;
    std::vector<size_t> outputs;  // slots
    torch::jit::GraphExecutor plain;
    std::map<int64_t, torch::jit::GraphExecutor> fused;  // by the size of the batch
  };
  class Cutter;

  torch::IValue self_;  // the module, where the graph still asks it for something
  std::vector<Piece> pieces_;
  size_t slots_ = 0;
  size_t result_ = 0;  // slot
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_FUSED_NETWORK_H_
