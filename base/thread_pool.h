// SPDX-License-Identifier: Apache-2.0
// A fixed number of threads that run closures in the order given.
#ifndef M3LUNG_BASE_THREAD_POOL_H_
#define M3LUNG_BASE_THREAD_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace m3lung {

// Runs closures on other threads. A test may give one that runs them when told.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Run(std::function<void()> work) = 0;
};

// Thread safety: Run() may be called from any thread, also from one of the pool.
class ThreadPool final : public Executor {
 public:
  // REQUIRES: threads >= 1.
  explicit ThreadPool(int threads);
  // Runs what is queued, then joins.
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Run(std::function<void()> work) override;

 private:
  void Work();
  bool HasWorkOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || !queue_.empty();
  }

  absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::jthread> threads_;  // last: joins before what it uses dies
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_THREAD_POOL_H_
