// SPDX-License-Identifier: Apache-2.0
#include "training/data/lungs.h"

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::string_view LungsName(Lungs lungs) { return lungs == Lungs::kReal ? "real" : "synthetic"; }

absl::string_view LungsName(std::optional<Lungs> lungs) {
  return lungs ? LungsName(*lungs) : absl::string_view();
}

absl::StatusOr<std::optional<Lungs>> ParseLungs(absl::string_view name) {
  if (name.empty()) return std::optional<Lungs>();
  for (const Lungs lungs : {Lungs::kReal, Lungs::kSynthetic}) {
    if (name == LungsName(lungs)) return std::optional<Lungs>(lungs);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "lungs must be real, synthetic or, where it is not known, empty; was \"", name, "\""));
}

}  // namespace m3lung
