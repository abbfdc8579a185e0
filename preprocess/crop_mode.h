// SPDX-License-Identifier: Apache-2.0
// How the part of a slice that the networks see is found.
#ifndef M3LUNG_PREPROCESS_CROP_MODE_H_
#define M3LUNG_PREPROCESS_CROP_MODE_H_

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

enum class CropMode {
  kPaper,   // a box for each slice, by the paper's section III-A (lungs/lung_crop.h)
  kVolume,  // one box for the study (lungs/lung_volume.h)
};
inline constexpr std::array<CropMode, 2> kCropModes = {CropMode::kPaper, CropMode::kVolume};

// "paper", "volume": the names in manifests, prepared studies, answers and on command lines.
absl::string_view CropModeName(CropMode mode);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<CropMode> ParseCropMode(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_CROP_MODE_H_
