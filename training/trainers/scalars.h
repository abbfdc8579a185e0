// SPDX-License-Identifier: Apache-2.0
// A training's course as a table, one row an epoch, and as a picture.
#ifndef M3LUNG_TRAINING_TRAINERS_SCALARS_H_
#define M3LUNG_TRAINING_TRAINERS_SCALARS_H_

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace m3lung {

// Writes `rows`, an array of objects with the same keys and numbers, as CSV, and
// beside it (.png) a plot of those whose names tell accuracies and losses, these as
// shares of their first value.
absl::Status WriteScalars(const std::filesystem::path& csv, const nlohmann::ordered_json& rows);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SCALARS_H_
