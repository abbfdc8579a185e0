// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/schedule.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::string_view ScheduleName(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::kStep:
      return "step";
    case ScheduleKind::kLinear:
      return "linear";
  }
  return "";
}

absl::StatusOr<ScheduleKind> ParseSchedule(absl::string_view name) {
  for (const ScheduleKind kind : kScheduleKinds) {
    if (name == ScheduleName(kind)) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a schedule must be step or linear; was \"", name, "\""));
}

double Schedule::At(double done, int epochs) const {
  const double risen = done < warm_up ? done / warm_up : 1;
  if (kind == ScheduleKind::kLinear) return risen * initial * (1 - done / epochs);
  return risen * initial * std::pow(0.1, std::floor(done / decay_every));
}

}  // namespace m3lung
