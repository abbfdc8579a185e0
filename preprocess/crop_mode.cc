// SPDX-License-Identifier: Apache-2.0
#include "preprocess/crop_mode.h"

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::string_view CropModeName(CropMode mode) {
  switch (mode) {
    case CropMode::kPaper:
      return "paper";
    case CropMode::kVolume:
      return "volume";
  }
  return "";
}

absl::StatusOr<CropMode> ParseCropMode(absl::string_view name) {
  for (const CropMode mode : kCropModes) {
    if (name == CropModeName(mode)) return mode;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a crop mode must be paper or volume; was \"", name, "\""));
}

}  // namespace m3lung
