// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until the test moves it.
#ifndef M3LUNG_TESTS_TESTING_MANUAL_CLOCK_H_
#define M3LUNG_TESTS_TESTING_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <set>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "tests/testing/await.h"

namespace m3lung::testing {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time now = absl::UnixEpoch()) : nanoseconds_(absl::ToUnixNanos(now)) {}

  absl::Time Now() const override { return absl::FromUnixNanos(nanoseconds_.load()); }

  bool AwaitUntil(absl::Mutex& mu, const absl::Condition& condition, absl::Time deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    SetWaiting(mu, true);
    const auto met_or_late = [&] { return condition.Eval() || Now() >= deadline; };
    mu.Await(absl::Condition(&met_or_late));
    SetWaiting(mu, false);
    return condition.Eval();
  }

  void Advance(absl::Duration duration) {
    nanoseconds_.fetch_add(absl::ToInt64Nanoseconds(duration));
    std::multiset<absl::Mutex*> waiting;
    {
      absl::MutexLock lock(&mu_);
      waiting = waiting_;
    }
    // A mutex looks at its waiters' conditions when it is released.
    for (absl::Mutex* mu : waiting) absl::MutexLock touch(mu);
  }

  // Blocks until some thread waits for a deadline.
  void WaitForAWaiter() {
    absl::MutexLock lock(&mu_);
    const auto has_waiter = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !waiting_.empty(); };
    Await(mu_, absl::Condition(&has_waiter), "a thread that waits for a deadline");
  }

 private:
  void SetWaiting(absl::Mutex& mu, bool waits) {
    absl::MutexLock lock(&mu_);
    if (waits) {
      waiting_.insert(&mu);
    } else {
      waiting_.erase(waiting_.find(&mu));
    }
  }

  std::atomic<int64_t> nanoseconds_;
  absl::Mutex mu_;
  std::multiset<absl::Mutex*> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_MANUAL_CLOCK_H_
