// SPDX-License-Identifier: Apache-2.0
#include "client/crop_option.h"

#include <iterator>
#include <string>
#include <vector>

#include "CLI/Option.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "preprocess/crop_mode.h"

namespace m3lung::client {

void AddCropOption(CLI::App& command, const std::string& help, v1::CropMode& mode) {
  std::vector<std::string> names;
  names.reserve(std::size(kCropModes));
  for (const CropMode each : kCropModes) names.emplace_back(CropModeName(each));
  command
      .add_option_function<std::string>(
          "--crop",
          // The API has the same names, in capitals; others are refused below.
          [&mode](const std::string& name) {
            static_cast<void>(v1::CropMode_Parse(absl::AsciiStrToUpper(name), &mode));
          },
          help)
      ->type_name(absl::StrJoin(names, "|"))
      ->check(CLI::IsMember(names).description(""));
}

}  // namespace m3lung::client
