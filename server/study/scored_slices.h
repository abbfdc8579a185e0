// SPDX-License-Identifier: Apache-2.0
// Scored slices on their way from the batch threads to their study.
#ifndef M3LUNG_SERVER_STUDY_SCORED_SLICES_H_
#define M3LUNG_SERVER_STUDY_SCORED_SLICES_H_

#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "model/engine/inference.h"
#include "server/batching/slice_batcher.h"
#include "server/study/study_ledger.h"

namespace m3lung {

struct ScoredSlice {
  SliceNumber slice = 0;
  absl::StatusOr<SliceScores> scores;
  SliceCost cost;
};

// A queue whose lock nobody holds for long, so that a batch thread only hands over. Slices leave in
// the order scored, to one taker at a time.
//
// Thread safety: all methods may be called from any thread.
class ScoredSlices {
 public:
  // True where nobody is taking: the caller then sees to it that somebody does.
  bool Add(std::unique_ptr<ScoredSlice> scored) {
    absl::MutexLock lock(&mu_);
    queue_.push_back(std::move(scored));
    return !std::exchange(taking_, true);
  }
  // The next one. Null where there is none: the taker has then ended.
  std::unique_ptr<ScoredSlice> Take() {
    absl::MutexLock lock(&mu_);
    if (queue_.empty()) {
      taking_ = false;
      return nullptr;
    }
    std::unique_ptr<ScoredSlice> next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }
  // Puts back what was taken last. There is no new taker before the caller names one.
  void PutBack(std::unique_ptr<ScoredSlice> scored) {
    absl::MutexLock lock(&mu_);
    queue_.push_front(std::move(scored));
  }

 private:
  absl::Mutex mu_;
  std::deque<std::unique_ptr<ScoredSlice>> queue_ ABSL_GUARDED_BY(mu_);
  bool taking_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_SCORED_SLICES_H_
