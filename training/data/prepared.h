// SPDX-License-Identifier: Apache-2.0
// Studies as the networks are trained on them: cropped to the lungs, resized, and
// kept in files, so that decoding is done once. `m3lung-train prepare` writes them.
//
//   DIR/prepared.json          what they were made with; the studies in order, each with its
//                              label, split, patient and, where it is stated, lungs
//   DIR/<study>/study.json     its slices
//   DIR/<study>/slices.hu      [N, S, S] int16, little endian: the slices that show lung
//   DIR/<study>/lesions.mask   [N, S, S] uint8, 0 or 1; where the truth is known
#ifndef M3LUNG_TRAINING_DATA_PREPARED_H_
#define M3LUNG_TRAINING_DATA_PREPARED_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/engine/inference.h"
#include "preprocess/crop_mode.h"
#include "torch/types.h"
#include "training/data/dataset.h"

namespace m3lung {

struct PreparedSlice {
  std::string file;            // of the study's folder
  double position_mm = 0;      // along the slice normal, larger is nearer to the head
  std::optional<bool> lesion;  // where it is known
};

struct PreparedStudy {
  std::string name;
  Label label = Label::kHealthy;
  Split split = Split::kTrain;
  std::string patient;
  std::optional<Lungs> lungs;  // where it is stated
  // Those of the chosen series that show lung, from head to feet: what is scored
  // when the study is served.
  std::vector<PreparedSlice> slices;
  // [N, S, S] int16 HU, mapped from the file. Must not be written to.
  torch::Tensor hu;
  // [N, S, S] uint8, 0 or 1, mapped likewise; undefined where it is not known.
  torch::Tensor lesion_masks;
};

struct PreparedData {
  int input_size = 0;  // S, pixels
  CropMode crop_mode = CropMode::kVolume;
  std::vector<PreparedStudy> studies;
};

// Opens the studies of these splits that `prepare` has written into `folder`.
// NOT_FOUND, saying what to run, where there are none; DATA_LOSS where a file does
// not hold what study.json says.
absl::StatusOr<PreparedData> OpenPrepared(const std::filesystem::path& folder,
                                          const std::vector<Split>& splits);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_PREPARED_H_
