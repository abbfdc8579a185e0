// SPDX-License-Identifier: Apache-2.0
// Time as a dependency, so that a test can drive it.
#ifndef M3LUNG_BASE_CLOCK_H_
#define M3LUNG_BASE_CLOCK_H_

#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace m3lung {

// For all that measures time or waits for a time. Its times are on no calendar: only what lies
// between two of them, and their order, mean anything.
//
// Thread safety: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;

  // Blocks until `condition` holds or the clock reaches `deadline`; true where
  // the condition holds. `mu` is released while it waits.
  virtual bool AwaitUntil(absl::Mutex& mu, const absl::Condition& condition, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // The time on this clock when the wall clock, as it goes now, will show `wall`: for deadlines
  // from gRPC, to be called as soon as there is one. time_point::max() is never.
  absl::Time WhenWallShows(std::chrono::system_clock::time_point wall) const;

  // The machine's steady clock: it goes on evenly when somebody sets the wall clock. Lives as long
  // as the process.
  static Clock& Real();
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_CLOCK_H_
