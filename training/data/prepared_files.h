// SPDX-License-Identifier: Apache-2.0
// The files of a prepared study, written and read in one place.
#ifndef M3LUNG_TRAINING_DATA_PREPARED_FILES_H_
#define M3LUNG_TRAINING_DATA_PREPARED_FILES_H_

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/crop_mode.h"
#include "training/data/dataset.h"

namespace m3lung {

inline constexpr char kPreparedFile[] = "prepared.json";
inline constexpr char kHuFile[] = "slices.hu";
inline constexpr char kMaskFile[] = "lesions.mask";

// study.json.
struct StudyRecord {
  // Tells what the study was made from and how; another one means: make it again.
  std::string key;
  struct Slice {
    std::string file;
    double position_mm = 0;
    std::optional<bool> lesion;
    std::string digest;  // of the pixels as stored
  };
  std::vector<Slice> slices;
  bool has_masks = false;
};

// NOT_FOUND where there is none; DATA_LOSS where it is not as it should be.
absl::StatusOr<StudyRecord> ReadStudyRecord(const std::filesystem::path& folder);

// Writes the folder whole or not at all. `hu` are size x size, CV_16SC1, `masks`
// CV_8UC1 and as many, or none. ALREADY_EXISTS where the folder holds something else than
// a prepared study, which nothing may be written over.
absl::Status WritePreparedStudy(const std::filesystem::path& folder, const StudyRecord& record,
                                const std::vector<cv::Mat>& hu, const std::vector<cv::Mat>& masks);

// prepared.json.
struct PreparedIndex {
  int input_size = 0;
  CropMode crop_mode = CropMode::kVolume;
  struct Study {
    std::string name;
    Label label = Label::kHealthy;
    Split split = Split::kTrain;
    std::string patient;
    std::optional<Lungs> lungs = {};
  };
  std::vector<Study> studies;
  std::vector<std::pair<std::string, std::string>> left_out;  // name, reason
};

absl::StatusOr<PreparedIndex> ReadPreparedIndex(const std::filesystem::path& folder);
absl::Status WritePreparedIndex(const std::filesystem::path& folder, const PreparedIndex& index);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_PREPARED_FILES_H_
