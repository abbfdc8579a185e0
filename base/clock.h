// SPDX-License-Identifier: Apache-2.0
// Time as a dependency, so that a test can drive it.
#ifndef M3LUNG_BASE_CLOCK_H_
#define M3LUNG_BASE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace m3lung {

// Thread safety: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;

  // Blocks until `condition` holds or the clock reaches `deadline`; true where
  // the condition holds. `mu` is released while it waits.
  virtual bool AwaitUntil(absl::Mutex& mu, const absl::Condition& condition, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // The machine's clock. Lives as long as the process.
  static Clock& Real();
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_CLOCK_H_
