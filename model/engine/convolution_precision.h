// SPDX-License-Identifier: Apache-2.0
// Lets the convolutions of a frozen TorchScript network compute in fewer bits.
#ifndef M3LUNG_MODEL_ENGINE_CONVOLUTION_PRECISION_H_
#define M3LUNG_MODEL_ENGINE_CONVOLUTION_PRECISION_H_

#include "c10/core/ScalarType.h"
#include "model/bundle/precision.h"
#include "torch/script.h"

namespace m3lung {

at::ScalarType TypeOf(Precision precision);

// Rewrites the graph of `frozen` (torch::jit::freeze(), batch normalisation in the
// convolutions' weights) so that its convolutions, and the ReLUs, sums, poolings and joins of
// channels between them, compute in `type`, channels last; weights are rounded once, here. All
// else, heads and location maps among it, computes in float32 as before. With kFloat only the
// layout changes.
//
// REQUIRES: `frozen` has not been run.
void SetConvolutionType(torch::jit::Module& frozen, at::ScalarType type);

// Whether this processor has instructions for convolutions in `precision`. Without them
// they would be slower than in float32.
bool ProcessorOffers(Precision precision);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_CONVOLUTION_PRECISION_H_
