// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/precision.h"

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::string_view PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return "fp32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kFp16:
      return "fp16";
  }
  return "";
}

absl::StatusOr<Precision> ParsePrecision(absl::string_view name) {
  for (const Precision precision : kPrecisions) {
    if (name == PrecisionName(precision)) return precision;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a precision is fp32, bf16 or fp16; was \"", name, "\""));
}

absl::StatusOr<std::optional<Precision>> ParsePrecisionOrAuto(absl::string_view name) {
  if (name == "auto") return std::nullopt;
  if (const auto precision = ParsePrecision(name); precision.ok()) return *precision;
  return absl::InvalidArgumentError(
      absl::StrCat("precision must be auto, fp32, bf16 or fp16; was \"", name, "\""));
}

}  // namespace m3lung
