// SPDX-License-Identifier: Apache-2.0
// Waits of tests that end with a message where what they wait for never comes.
#ifndef M3LUNG_TESTS_TESTING_AWAIT_H_
#define M3LUNG_TESTS_TESTING_AWAIT_H_

#include <stdexcept>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace m3lung::testing {

// Nothing that a unit test waits for takes nearly as long.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// GoogleTest reports what is thrown here as the failure of the test that waited.
[[noreturn]] inline void NeverCame(absl::string_view what) {
  throw std::runtime_error(absl::StrCat("waited ", absl::FormatDuration(kPatience), " for ", what));
}

// Blocks until `condition` holds; `what` names it in the failure.
inline void Await(absl::Mutex& mu, const absl::Condition& condition, absl::string_view what)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
  if (!mu.AwaitWithTimeout(condition, kPatience)) NeverCame(what);
}

// The same for what no mutex guards.
template <typename Condition>
void AwaitThat(const Condition& holds, absl::string_view what) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!holds()) {
    if (absl::Now() > deadline) NeverCame(what);
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_AWAIT_H_
