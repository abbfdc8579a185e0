// SPDX-License-Identifier: Apache-2.0
// What the slice network says of whole studies, kept for the patient network.
//
//   RUN/features/features.json   the network they are of; the studies in order
//   RUN/features/<study>.pt      class probabilities [N, 4], lesion probabilities
//                                [N] and features [N, D] of the slices, head to feet
#ifndef M3LUNG_TRAINING_TRAINERS_FEATURES_H_
#define M3LUNG_TRAINING_TRAINERS_FEATURES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "torch/types.h"
#include "training/data/prepared.h"
#include "training/trainers/stop_signal.h"

namespace m3lung {

struct StudyFeatures {
  std::string name;
  Label label = Label::kHealthy;
  Split split = Split::kTrain;
  torch::Tensor probabilities;         // [N, 4]
  torch::Tensor lesion_probabilities;  // [N]
  torch::Tensor features;              // [N, D]
};

struct FeaturesOptions {
  std::string device = "cpu";
  int batch_size = 8;  // slices; each is seen through three windows
  int threads = 0;     // 0: LibTorch's own choice
};

// Runs the slice network of `run` over all studies, as it is served: every slice,
// the mean over the three windows. What is there from the same network is not made
// again. CANCELLED where `stop` ended it.
absl::Status MakeFeatures(const PreparedData& data, const std::filesystem::path& run,
                          const FeaturesOptions& options, const StopRequested& stop);

// NOT_FOUND, saying what to run, where there are none; FAILED_PRECONDITION where
// they are of another slice network than the one in `run`.
absl::StatusOr<std::vector<StudyFeatures>> ReadFeatures(const std::filesystem::path& run);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_FEATURES_H_
