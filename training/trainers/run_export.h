// SPDX-License-Identifier: Apache-2.0
// A finished training as a model bundle.
#ifndef M3LUNG_TRAINING_TRAINERS_RUN_EXPORT_H_
#define M3LUNG_TRAINING_TRAINERS_RUN_EXPORT_H_

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers/assessment.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/manifest.h"

namespace m3lung {

struct RunExportOptions {
  std::filesystem::path run;
  std::filesystem::path models;
  std::string name;
  std::string version = "1";
  WeightsOrigin origin = WeightsOrigin::kSyntheticData;
  std::string training_data;  // in words: what the studies were
  float healthy_share_threshold = kHealthyShareThreshold;
  // The golden input, of the network's input size: synthetic, so that a bundle holds nothing of its
  // training data.
  std::function<std::vector<HuPixels>(int input_size)> golden_slices;
  bool overwrite = false;
};

struct ExportedRun {
  std::filesystem::path folder;
  double patient_temperature = 1;
};

// Exports the two networks of a run. The patient network's logits are divided by a
// temperature fitted on the split `validation` (1 where it is empty), which is made
// part of its last layer, so that the served probabilities are the calibrated ones.
// FAILED_PRECONDITION where a training has not ended.
absl::StatusOr<ExportedRun> ExportRun(const RunExportOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_RUN_EXPORT_H_
