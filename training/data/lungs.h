// SPDX-License-Identifier: Apache-2.0
// Whose lungs a study shows.
#ifndef M3LUNG_TRAINING_DATA_LUNGS_H_
#define M3LUNG_TRAINING_DATA_LUNGS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// Of a patient, whether the lesions in them are real or not, or painted from formulas.
enum class Lungs { kReal, kSynthetic };

// "real", "synthetic": the names in tables.
absl::string_view LungsName(Lungs lungs);
// Empty where it is not stated.
absl::string_view LungsName(std::optional<Lungs> lungs);
// INVALID_ARGUMENT lists what is allowed.
absl::StatusOr<std::optional<Lungs>> ParseLungs(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_LUNGS_H_
