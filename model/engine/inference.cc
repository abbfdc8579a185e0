// SPDX-License-Identifier: Apache-2.0
#include "model/engine/inference.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

constexpr const char* kNames[kClasses] = {"HEALTHY", "COVID_19", "H1N1", "CAP"};

}  // namespace

absl::string_view LabelName(Label label) { return kNames[static_cast<int>(label)]; }

absl::StatusOr<Label> ParseLabel(absl::string_view name) {
  for (const Label label : kLabels) {
    if (name == LabelName(label)) return label;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a label must be HEALTHY, COVID_19, H1N1 or CAP; was \"", name, "\""));
}

Label MostProbable(const ClassProbabilities& probabilities) {
  return static_cast<Label>(std::max_element(probabilities.begin(), probabilities.end()) -
                            probabilities.begin());
}

}  // namespace m3lung
