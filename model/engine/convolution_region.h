// SPDX-License-Identifier: Apache-2.0
// Which part of a frozen network is convolutions and what lies between them.
#ifndef M3LUNG_MODEL_ENGINE_CONVOLUTION_REGION_H_
#define M3LUNG_MODEL_ENGINE_CONVOLUTION_REGION_H_

#include <unordered_set>

#include "torch/csrc/jit/ir/ir.h"

namespace m3lung {

// The graph's convolutions, and the rectifiers, max-pools and sums that take nothing but what
// these give.
std::unordered_set<const torch::jit::Node*> ConvolutionRegion(const torch::jit::Graph& graph);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_CONVOLUTION_REGION_H_
