// Groups slices of many studies into batches for one model.
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
#include "model/inference.h"

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
  std::vector<int16_t> hu;  // input_size x input_size, row by row
  std::shared_ptr<const Cancellation> cancellation;
  // Called once, on the batch thread, and must not block. CANCELLED for a slice
  // that was given up before it was scored.
  std::function<void(absl::StatusOr<SliceScores>, SliceCost)> done;
};

struct BatcherOptions {
  // Sizes of batch that the model is run with, rising; a batch in between is
  // filled up with copies of its first slice, whose scores are dropped.
  std::vector<int> sizes = {1};
  // Longest wait of a batch's first slice for others. Zero: never wait.
  absl::Duration max_wait = absl::Milliseconds(5);
};

// One batch that was run.
struct BatchReport {
  int slices = 0;
  int filled = 0;   // copies that filled it up
  int studies = 0;  // that had a slice in it
  absl::Duration duration;
};

// A batch is formed when the largest size is reached or its oldest slice has
// waited max_wait. Studies take turns, a slice each; all urgent ones come before
// the others. A study keeps its own slices in the order submitted.
//
// Thread safety: Submit() and queued() may be called from any thread. Callbacks
// run on the batch thread and must not block.
// REQUIRES: the runner and the clock outlive the batcher.
class SliceBatcher {
 public:
  // INVALID_ARGUMENT for sizes that are empty, not positive or not rising, or a
  // negative max_wait.
  static absl::StatusOr<std::unique_ptr<SliceBatcher>> Create(
      BatcherOptions options, InferenceRunner& runner, Clock& clock,
      std::function<void(const BatchReport&)> on_batch);

  ~SliceBatcher() { Stop(); }
  SliceBatcher(const SliceBatcher&) = delete;
  SliceBatcher& operator=(const SliceBatcher&) = delete;

  // UNAVAILABLE, and the task is not answered, after Stop().
  absl::Status Submit(SliceTask task);

  // Ends the batch thread; tasks still queued are answered CANCELLED. To be called
  // by the owner before it lets go of the batcher: a task may hold the last
  // reference to it, and then it dies on its own thread, which cannot join itself.
  // REQUIRES: not called from the batch thread; not from two threads at once.
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
  struct Lane {
    std::map<uint64_t, std::deque<Pending>> by_study;
    std::deque<uint64_t> turns;
  };

  SliceBatcher(BatcherOptions options, InferenceRunner& runner, Clock& clock,
               std::function<void(const BatchReport&)> on_batch);

  void Work();
  std::vector<Pending> NextBatch();
  void TakeTurns(Lane& lane, size_t wanted, std::vector<Pending>& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropCancelled(std::vector<Pending>& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Time OldestSubmitted() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasTaskOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || queued_ > 0;
  }
  bool IsFullOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || queued_ >= options_.sizes.back();
  }
  void RunBatch(std::vector<Pending> batch);

  // Constant after construction.
  const BatcherOptions options_;
  InferenceRunner& runner_;
  Clock& clock_;
  const std::function<void(const BatchReport&)> on_batch_;

  mutable absl::Mutex mu_;
  Lane urgent_ ABSL_GUARDED_BY(mu_);
  Lane routine_ ABSL_GUARDED_BY(mu_);
  int queued_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::jthread worker_;  // last: joins before the members it uses die
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_BATCHING_SLICE_BATCHER_H_
