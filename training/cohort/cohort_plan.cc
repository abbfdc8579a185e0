// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/cohort_plan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/sha256.h"

namespace m3lung {
namespace {

uint64_t SeedOf(absl::string_view text) {
  uint64_t seed = 0;
  static_cast<void>(absl::SimpleHexAtoi(Sha256Hex(text).substr(0, 16), &seed));
  return seed;
}

std::string FileName(Label label) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(LabelName(label)), {{"_", ""}});
}

}  // namespace

std::vector<PlannedStudy> PlanCohort(const CohortSize& size, absl::Span<const Split> backgrounds,
                                     uint64_t seed) {
  std::vector<PlannedStudy> plan;
  const auto add = [&](std::string name, Label label, Split split) -> PlannedStudy& {
    PlannedStudy& study = plan.emplace_back();
    study.name = std::move(name);
    study.label = label;
    study.split = split;
    study.patient = study.name;
    study.seed = SeedOf(absl::StrCat(seed, "/", study.name));
    return study;
  };
  const auto add_phantoms = [&](Split split, int count) {
    for (int i = 1; i <= count; ++i) {
      for (const Label label : kLabels) {
        add(absl::StrFormat("%s-%s-%03d", SplitName(split), FileName(label), i), label, split);
      }
    }
  };
  for (int i = 1; i <= size.on_each_background; ++i) {
    for (size_t background = 0; background < backgrounds.size(); ++background) {
      for (const Label label : kLabels) {
        PlannedStudy& study =
            add(absl::StrFormat("background%d-%s-%03d", background + 1, FileName(label), i), label,
                backgrounds[background]);
        study.patient = absl::StrCat("background-", background + 1);
        study.background = static_cast<int>(background);
      }
    }
  }
  add_phantoms(Split::kTrain, size.train);
  add_phantoms(Split::kValidation, size.validation);
  add_phantoms(Split::kTest, size.test);
  return plan;
}

}  // namespace m3lung
