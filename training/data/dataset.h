// SPDX-License-Identifier: Apache-2.0
// A data set: a CSV file that lists studies, each a folder of DICOM files with a
// label and the split it belongs to. docs/howto/train.md describes the file.
#ifndef M3LUNG_TRAINING_DATA_DATASET_H_
#define M3LUNG_TRAINING_DATA_DATASET_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/engine/inference.h"
#include "training/data/lungs.h"

namespace m3lung {

// Validation chooses nothing in training; a temperature is fitted on it.
enum class Split { kTrain, kValidation, kTest };

// "train", "validation", "test".
absl::string_view SplitName(Split split);
absl::StatusOr<Split> ParseSplit(absl::string_view name);

struct DatasetStudy {
  std::string name;              // column `study`, unique: its folder, beside the CSV file
  std::filesystem::path folder;  // the DICOM files, absolute or relative to the process
  Label label = Label::kHealthy;
  Split split = Split::kTrain;
  // Whose study it is, for the guard between splits; the study's name where the
  // table says nothing.
  std::string patient = {};
  // Table of slice labels; empty where there is none.
  std::filesystem::path slice_labels = {};
  // Folder of masks: lesions/ and lungs/ with a MaskName() for each slice, 8 bits, 0 or 255, as
  // large as the image as stored. Empty where there is none.
  std::filesystem::path truth = {};
  std::optional<Lungs> lungs = {};  // where it is stated
};

// The name of a slice's mask: that of its file as it is, but for .dcm, with .png. A file that is
// named by its UID has no other ending to take off: its last number tells it from the next.
std::string MaskName(const std::string& file);

// Reads `csv`, with the columns study, label, split and, at will, patient,
// slice_labels, truth and lungs; paths in it are relative to its folder. INVALID_ARGUMENT
// names the file, the line and what is wrong: an unknown label, split or lungs, a study
// listed twice or not beneath that folder (what is made of it goes by its name, and must
// never land on it), a patient in two splits, a folder or file that is not there.
absl::StatusOr<std::vector<DatasetStudy>> ReadDataset(const std::filesystem::path& csv);

// Writes `studies` as ReadDataset() reads them; their paths must lie below `csv`'s folder.
absl::Status WriteDataset(const std::filesystem::path& csv,
                          const std::vector<DatasetStudy>& studies);

// Whether each slice shows a lesion, by the name of its file: a table with the
// columns file and lesion (0 or 1).
absl::StatusOr<std::map<std::string, bool>> ReadSliceLabels(const std::filesystem::path& csv);
absl::Status WriteSliceLabels(const std::filesystem::path& csv,
                              const std::map<std::string, bool>& lesion_by_file);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_DATASET_H_
