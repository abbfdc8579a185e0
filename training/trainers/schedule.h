// SPDX-License-Identifier: Apache-2.0
// The learning rate over a training.
#ifndef M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_
#define M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

enum class ScheduleKind {
  kStep,    // times 0.1 every `decay_every` epochs, as the paper has it
  kLinear,  // falls evenly to 0 at the end
};
inline constexpr std::array<ScheduleKind, 2> kScheduleKinds = {ScheduleKind::kStep,
                                                               ScheduleKind::kLinear};

// "step", "linear": the names in checkpoints and on command lines.
absl::string_view ScheduleName(ScheduleKind kind);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<ScheduleKind> ParseSchedule(absl::string_view name);

struct Schedule {
  double initial = 0.01;
  ScheduleKind kind = ScheduleKind::kStep;
  int decay_every = 40;  // epochs
  // Epochs over which the rate rises evenly from 0 to what the above says: a network
  // of random weights leaps about at the full rate.
  double warm_up = 0;

  // `done`: epochs gone by, with their fraction, of `epochs`.
  double At(double done, int epochs) const;
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SCHEDULE_H_
