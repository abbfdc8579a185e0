// SPDX-License-Identifier: Apache-2.0
#include "client/crop_option.h"

#include <vector>

#include "CLI/Option.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_join.h"
#include "preprocess/crop_mode.h"

namespace m3lung::client {
namespace {

v1::CropMode ToProto(CropMode mode) {
  switch (mode) {
    case CropMode::kPaper:
      return v1::PAPER;
    case CropMode::kVolume:
      return v1::VOLUME;
  }
  return v1::CROP_MODE_UNSPECIFIED;
}

}  // namespace

void AddCropOption(CLI::App& command, const std::string& help, v1::CropMode& mode) {
  std::vector<std::string> names;
  names.reserve(std::size(kCropModes));
  for (const CropMode each : kCropModes) names.emplace_back(CropModeName(each));
  command
      .add_option_function<std::string>(
          "--crop",
          [&mode](const std::string& name) {
            if (const auto crop = ParseCropMode(name); crop.ok()) mode = ToProto(*crop);
          },
          help)
      ->type_name(absl::StrJoin(names, "|"))
      ->check(CLI::IsMember(names).description(""));
}

}  // namespace m3lung::client
