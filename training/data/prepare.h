// SPDX-License-Identifier: Apache-2.0
// Makes prepared studies (training/data/prepared.h) out of a data set.
#ifndef M3LUNG_TRAINING_DATA_PREPARE_H_
#define M3LUNG_TRAINING_DATA_PREPARE_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "training/data/dataset.h"

namespace m3lung {

struct PrepareOptions {
  std::filesystem::path dataset;  // the CSV file
  std::filesystem::path out;
  int input_size = 512;  // pixels
  int threads = 1;
};

struct PrepareSummary {
  int prepared = 0;  // studies in all
  int reused = 0;    // of them, those that were there already
  // Studies that the server would not answer, with the reason in words.
  std::vector<std::pair<std::string, std::string>> left_out;
};

// Decodes and crops every study, several at a time, and shows progress on standard
// error. A study that is there, made from the same files in the same way, is not
// made again. INVALID_ARGUMENT where the data set is wrong: a file of it cannot be
// read, slice labels name no file, or two studies hold the same slice (by their
// pixels).
absl::StatusOr<PrepareSummary> Prepare(const PrepareOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_PREPARE_H_
