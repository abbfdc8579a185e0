// SPDX-License-Identifier: Apache-2.0
// The number formats that a slice network's convolutions compute in.
#ifndef M3LUNG_MODEL_BUNDLE_PRECISION_H_
#define M3LUNG_MODEL_BUNDLE_PRECISION_H_

#include <array>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

enum class Precision { kFp32, kBf16, kFp16 };
inline constexpr std::array<Precision, 3> kPrecisions = {Precision::kFp32, Precision::kBf16,
                                                         Precision::kFp16};

// What a network in 16 bits may differ by in any probability from itself in float32, label for
// label the same, for its bundle to allow it.
inline constexpr float kPrecisionTolerance = 0.01F;

// "fp32", "bf16", "fp16".
absl::string_view PrecisionName(Precision precision);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<Precision> ParsePrecision(absl::string_view name);
// The same; nothing for "auto", which leaves the choice to whoever computes.
absl::StatusOr<std::optional<Precision>> ParsePrecisionOrAuto(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_PRECISION_H_
