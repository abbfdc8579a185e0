// SPDX-License-Identifier: Apache-2.0
// Networks with random weights that behave like networks: activations of ordinary
// size, and answers that differ from slice to slice, so that the whole path can
// be seen and tested before there is a trained model.
#ifndef M3LUNG_TRAINING_UNTRAINED_H_
#define M3LUNG_TRAINING_UNTRAINED_H_

#include <cstdint>

#include "model/networks/patient_net.h"
#include "model/networks/slice_net.h"
#include "torch/types.h"

namespace m3lung {

struct UntrainedNets {
  SliceNet slice_net{nullptr};
  PatientNet patient_net{nullptr};
};

// The same options, seed and slices give the same networks. `hu` is int16
// [N, S, S], at least two slices: the batch statistics are taken from it, and the
// slice net's two classifiers are scaled so that their logits have mean 0 and
// deviation 1 over it. Both networks are in evaluation mode.
// REQUIRES: valid options that fit together; multi_task.
UntrainedNets MakeUntrainedNets(const SliceNetOptions& slice_options,
                                const PatientNetOptions& patient_options, uint64_t seed,
                                const torch::Tensor& hu);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_UNTRAINED_H_
