// SPDX-License-Identifier: Apache-2.0
// Which studies a cohort has.
#ifndef M3LUNG_TRAINING_COHORT_COHORT_PLAN_H_
#define M3LUNG_TRAINING_COHORT_COHORT_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "model/engine/inference.h"
#include "training/data/dataset.h"

namespace m3lung {

// Studies of each class.
struct CohortSize {
  int train = 60;
  int validation = 10;
  int test = 40;
  // Beside them, on each background, all in the background's split, since it is one patient.
  int on_each_background = 0;
};

struct PlannedStudy {
  std::string name;
  Label label = Label::kHealthy;
  Split split = Split::kTrain;
  std::string patient;
  std::optional<int> background;  // its index; none: a phantom
  uint64_t seed = 0;
};

// In the order they are written. A study's seed follows from `seed` and its name, so
// that a larger cohort holds the smaller one's studies. `backgrounds`: the split of each.
std::vector<PlannedStudy> PlanCohort(const CohortSize& size, absl::Span<const Split> backgrounds,
                                     uint64_t seed);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_COHORT_PLAN_H_
