// SPDX-License-Identifier: Apache-2.0
// Weights learned on photographs, to start the slice network from.
#ifndef M3LUNG_TRAINING_TRAINERS_INITIAL_WEIGHTS_H_
#define M3LUNG_TRAINING_TRAINERS_INITIAL_WEIGHTS_H_

#include <filesystem>

#include "absl/status/status.h"
#include "model/networks/slice_net.h"

namespace m3lung {

// Loads the state dict of torchvision's ResNet-50, saved as a plain dict
// (torch.save(dict(state_dict), path): LibTorch reads no OrderedDict), into `net`. Its classifier
// of photographs (fc) is left out, as is what only our network has. ResBlock4 takes more channels
// than theirs, the location and coordinate maps behind the features: their weights start at 0, so
// that the network begins as a plain ResNet-50. Needs the full width and depth.
//
// INVALID_ARGUMENT where the file holds no state dict, or a tensor of it is missing
// or of another shape: says which.
absl::Status LoadInitialWeights(const std::filesystem::path& state_dict, SliceNet& net);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_INITIAL_WEIGHTS_H_
