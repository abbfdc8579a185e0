// SPDX-License-Identifier: Apache-2.0
// The option --crop of a command.
#ifndef M3LUNG_CLIENT_CROP_OPTION_H_
#define M3LUNG_CLIENT_CROP_OPTION_H_

#include <string>

#include "CLI/App.hpp"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Where it is given, its value becomes `mode`, which must outlive the command's parsing.
void AddCropOption(CLI::App& command, const std::string& help, v1::CropMode& mode);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_CROP_OPTION_H_
