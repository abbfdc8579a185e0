// SPDX-License-Identifier: Apache-2.0
// An executor that runs its work when the test says so.
#ifndef M3LUNG_TESTS_TESTING_MANUAL_EXECUTOR_H_
#define M3LUNG_TESTS_TESTING_MANUAL_EXECUTOR_H_

#include <deque>
#include <functional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/thread_pool.h"

namespace m3lung::testing {

class ManualExecutor final : public Executor {
 public:
  void Run(std::function<void()> work) override {
    absl::MutexLock lock(&mu_);
    queue_.push_back(std::move(work));
  }

  size_t queued() const {
    absl::MutexLock lock(&mu_);
    return queue_.size();
  }
  // Each waits for work to be queued, then runs it in this thread.
  void RunFirst() { Take(/*first=*/true)(); }
  void RunLast() { Take(/*first=*/false)(); }

 private:
  std::function<void()> Take(bool first) {
    absl::MutexLock lock(&mu_);
    const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !queue_.empty(); };
    mu_.Await(absl::Condition(&has_work));
    std::function<void()> work = std::move(first ? queue_.front() : queue_.back());
    if (first) {
      queue_.pop_front();
    } else {
      queue_.pop_back();
    }
    return work;
  }

  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_MANUAL_EXECUTOR_H_
