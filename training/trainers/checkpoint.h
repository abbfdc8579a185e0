// SPDX-License-Identifier: Apache-2.0
// A training's state in one file, written whole or not at all.
#ifndef M3LUNG_TRAINING_TRAINERS_CHECKPOINT_H_
#define M3LUNG_TRAINING_TRAINERS_CHECKPOINT_H_

#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "torch/nn/module.h"
#include "torch/optim/optimizer.h"

namespace m3lung {

// What a checkpoint says in words and numbers:
//   kind         "slice" or "patient"
//   net          the network's options
//   training     what the result depends on: rates, batches, seed, data
//   epoch, batch place of the next batch
//   finished     whether all epochs are done
//   sums         of the epoch that is under way
//   scalars      one object for each epoch done
using CheckpointNotes = nlohmann::ordered_json;

// UNAVAILABLE where it cannot be written.
absl::Status SaveCheckpoint(const std::filesystem::path& path, const CheckpointNotes& notes,
                            const torch::nn::Module& net, const torch::optim::Optimizer& optimizer);

// The notes alone. NOT_FOUND where there is no file; DATA_LOSS where it is not ours
// or of another `kind`.
absl::StatusOr<CheckpointNotes> ReadCheckpointNotes(const std::filesystem::path& path,
                                                    const std::string& kind);

// Loads the weights into `net`, which must have the options in the notes, and the
// state into `optimizer` where one is given.
absl::Status LoadCheckpoint(const std::filesystem::path& path, torch::nn::Module& net,
                            torch::optim::Optimizer* optimizer = nullptr);

// The checkpoint's `training` against that asked for. INVALID_ARGUMENT names the
// first difference.
absl::Status CheckSameTraining(const CheckpointNotes& there, const CheckpointNotes& asked);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_CHECKPOINT_H_
