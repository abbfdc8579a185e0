// SPDX-License-Identifier: Apache-2.0
// Slices of synthetic studies as the networks see them.
#ifndef M3LUNG_TRAINING_PHANTOM_SLICES_H_
#define M3LUNG_TRAINING_PHANTOM_SLICES_H_

#include <cstdint>
#include <vector>

#include "model/bundle/bundle_files.h"
#include "model/engine/inference.h"
#include "torch/types.h"

namespace m3lung {

struct PhantomSlices {
  torch::Tensor hu;            // int16 [N, size, size], cropped and resized
  torch::Tensor lesion_masks;  // bool [N, size, size], in the same box
  std::vector<Label> labels;   // of the study that each is from
};

// `per_study` slices, evenly spaced over the middle half of the chest, of each of
// `studies`, through the crop and resize that is served; study i has seed
// `seed` + i.
PhantomSlices MakePhantomSlices(const std::vector<Label>& studies, int per_study, int size,
                                uint64_t seed);

// The golden input of a bundle: a slice of a healthy study and one of CAP.
std::vector<HuPixels> GoldenSlices(int size, uint64_t seed);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_PHANTOM_SLICES_H_
