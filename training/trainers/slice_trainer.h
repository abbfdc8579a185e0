// SPDX-License-Identifier: Apache-2.0
// Trains the slice network; what it leaves: slice_run.h.
//
// Source: the paper, sections III-B and IV-A.
#ifndef M3LUNG_TRAINING_TRAINERS_SLICE_TRAINER_H_
#define M3LUNG_TRAINING_TRAINERS_SLICE_TRAINER_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "model/bundle/precision.h"
#include "model/networks/slice_net.h"
#include "training/data/prepared.h"
#include "training/trainers/optimizer.h"
#include "training/trainers/schedule.h"
#include "training/trainers/slice_batches.h"
#include "training/trainers/stop_signal.h"

namespace m3lung {

struct SliceTrainingOptions {
  SliceNetOptions net;
  int epochs = 110;
  Schedule schedule;
  double momentum = kMomentum;
  double weight_decay = 1e-4;
  // Of a loss beyond the paper's (mask_loss.h), where the truth of the lesions is known; needs
  // multi_task.
  double mask_weight = 0;
  BatchOptions batches;
  // A state dict of torchvision's ResNet-50 to start from; empty: random weights.
  std::filesystem::path initial_weights;
  // The folder of another training whose network, as it stands, this one begins with.
  std::filesystem::path start_from;

  // What the result does not depend on, but for rounding.
  std::string device = "cpu";
  // kFp32 or, mixed by autocast, kBf16; nothing: which of them the device computes faster in.
  std::optional<Precision> precision = Precision::kFp32;
  int threads = 0;  // 0: LibTorch's own choice
};

enum class TrainingEnd { kFinished, kStopped };

// Trains on the split `train` of `data`, reports each epoch's loss and accuracy on it and on the
// split `validation` (which decides nothing), and saves into `run`: the checkpoint
// after every epoch and where `stop` says so, the scalars as CSV after every epoch.
// Where a checkpoint is there, goes on from it, to the same result as without the
// interruption, bit for bit on a CPU with the same number of threads.
// INVALID_ARGUMENT where it was made with other options.
absl::StatusOr<TrainingEnd> TrainSliceNet(const PreparedData& data,
                                          const SliceTrainingOptions& options,
                                          const std::filesystem::path& run,
                                          const StopRequested& stop);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SLICE_TRAINER_H_
