// SPDX-License-Identifier: Apache-2.0
// What a training of the slice network leaves in its folder: how it was made, and its network.
#ifndef M3LUNG_TRAINING_TRAINERS_SLICE_RUN_H_
#define M3LUNG_TRAINING_TRAINERS_SLICE_RUN_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "model/networks/slice_net.h"
#include "training/data/prepared.h"
#include "training/trainers/checkpoint.h"
#include "training/trainers/slice_trainer.h"

namespace m3lung {

inline constexpr char kSliceCheckpoint[] = "slice.pt";
inline constexpr char kSliceScalars[] = "slice-scalars.csv";
inline constexpr char kSliceKind[] = "slice";  // of the checkpoint

// What the result of a training on so many slices depends on: the checkpoint's `training`.
CheckpointNotes SliceTrainingNotes(const PreparedData& data, const SliceTrainingOptions& options,
                                   int64_t samples);

struct TrainedSliceNet {
  SliceNet net{nullptr};   // in evaluation mode, on the CPU
  std::string provenance;  // how it was trained, in a line
};

// NOT_FOUND where there is none; with `finished_only` FAILED_PRECONDITION where the training has
// not come to its end.
absl::StatusOr<TrainedSliceNet> LoadSliceNet(const std::filesystem::path& run,
                                             bool finished_only = true);

// Gives `net`, made with `options`, the weights of another training's network as it stands. How
// that was trained, in a line; INVALID_ARGUMENT where its options are others.
absl::StatusOr<std::string> TakeSliceWeights(const std::filesystem::path& run,
                                             const SliceNetOptions& options, SliceNet& net);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SLICE_RUN_H_
