// SPDX-License-Identifier: Apache-2.0
// Groups slices of many studies into batches for one model, on one device or several.
#ifndef M3LUNG_SERVER_BATCHING_SLICE_BATCHER_H_
#define M3LUNG_SERVER_BATCHING_SLICE_BATCHER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "model/engine/inference.h"
#include "server/batching/batch_plan.h"

namespace m3lung {

// Said once by whoever gives a study up; read by everything that works for it.
class Cancellation {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_ = false;
};

// What a slice's wait and work cost.
struct SliceCost {
  absl::Duration queued;
  absl::Duration scored;  // its share of the batch's run
};

struct SliceTask {
  uint64_t study = 0;  // slices of one study share a number
  bool urgent = false;
  // Not worth scoring after it.
  absl::Time deadline = absl::InfiniteFuture();
  std::vector<int16_t> hu;  // input_size x input_size, row by row
  std::shared_ptr<const Cancellation> cancellation;
  // Called once, on a batch thread, and must neither block nor throw. CANCELLED for a slice
  // that was given up before it was scored, DEADLINE_EXCEEDED for one that came to
  // its deadline, UNAVAILABLE where the device has failed.
  std::function<void(absl::StatusOr<SliceScores>, SliceCost)> done;
};

struct BatcherOptions {
  // Sizes of batch that the model is run with, rising; a batch in between is
  // filled up with copies of its first slice, whose scores are dropped.
  std::vector<BatchSize> sizes = {{.slices = 1, .duration = absl::ZeroDuration()}};
  // Longest wait of a batch's first slice for others. Zero: never wait.
  absl::Duration max_wait = absl::Milliseconds(5);
  // Urgent slices that may be taken one after the other while others wait; then one
  // of these is taken, so that none waits for ever.
  int urgent_in_a_row = 8;
};

// One batch that was run.
struct BatchReport {
  int slices = 0;
  int filled = 0;   // copies that filled it up
  int studies = 0;  // that had a slice in it
  absl::Duration duration;
};

// What the batcher tells its owner, on a batch thread. Must not block.
struct BatcherEvents {
  std::function<void(const BatchReport&)> batch_run = [](const BatchReport&) {};
  // The device can no longer compute: no later slice will be scored.
  std::function<void(const absl::Status&)> device_failed = [](const absl::Status&) {};
};

// A batch is formed when the largest size is reached or its oldest slice has
// waited max_wait; BatchPlan says how large it is. Studies take turns, a slice each;
// urgent ones come before the others, urgent_in_a_row at most. A study keeps its own
// slices in the order submitted. Slices that nobody waits for any more leave when
// a batch is formed.
//
// Each runner has as many batch threads as it takes batches at once; all take from the same queue.
//
// Thread safety: Submit() and queued() may be called from any thread. Callbacks run on
// the batch threads and must not block.
// REQUIRES: the runners and the clock outlive the batcher.
class SliceBatcher {
 public:
  // INVALID_ARGUMENT for what BatchPlan::Create() refuses, a negative max_wait, or an
  // urgent_in_a_row under 1. REQUIRES: at least one runner.
  static absl::StatusOr<std::unique_ptr<SliceBatcher>> Create(
      BatcherOptions options, const std::vector<InferenceRunner*>& runners, Clock& clock,
      BatcherEvents events);

  ~SliceBatcher() { Stop(); }
  SliceBatcher(const SliceBatcher&) = delete;
  SliceBatcher& operator=(const SliceBatcher&) = delete;

  // UNAVAILABLE, and the task is not answered, after Stop().
  absl::Status Submit(SliceTask task);

  // Ends the batch threads; tasks still queued are answered CANCELLED. To be called
  // by the owner before it lets go of the batcher: a task may hold the last
  // reference to it, and then it dies on its own thread, which cannot join itself.
  // REQUIRES: not called from a batch thread; not from two threads at once.
  void Stop();

  // Slices that wait for a batch.
  int queued() const;

 private:
  struct Pending {
    SliceTask task;
    absl::Time submitted;
  };
  // The slices that wait, by study. Studies take turns: the one whose slice was
  // taken goes to the back.
  struct Queue {
    std::map<uint64_t, std::deque<Pending>> by_study;
    std::deque<uint64_t> turns;
  };

  SliceBatcher(const BatcherOptions& options, BatchPlan plan,
               const std::vector<InferenceRunner*>& runners, Clock& clock, BatcherEvents events);

  void Work(InferenceRunner& runner);
  std::vector<Pending> NextBatch();
  std::vector<Pending> TakeTurns(int wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Pending> TakeDead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Time OldestSubmitted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasTaskOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || queued_ > 0;
  }
  bool IsFullOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || queued_ >= plan_.largest();
  }
  void RunBatch(InferenceRunner& runner, std::vector<Pending> batch);

  // Constant after construction.
  const absl::Duration max_wait_;
  const int most_urgent_in_a_row_;
  const BatchPlan plan_;
  Clock& clock_;
  const BatcherEvents events_;

  mutable absl::Mutex mu_;
  Queue urgent_ ABSL_GUARDED_BY(mu_);
  Queue routine_ ABSL_GUARDED_BY(mu_);
  int queued_ ABSL_GUARDED_BY(mu_) = 0;
  int urgent_in_a_row_ ABSL_GUARDED_BY(mu_) = 0;  // taken while others waited
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::jthread> workers_;  // last: join before the members they use die
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_BATCHING_SLICE_BATCHER_H_
