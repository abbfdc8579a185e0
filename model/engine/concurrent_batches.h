// SPDX-License-Identifier: Apache-2.0
// Batches that are under way side by side on one device.
#ifndef M3LUNG_MODEL_ENGINE_CONCURRENT_BATCHES_H_
#define M3LUNG_MODEL_ENGINE_CONCURRENT_BATCHES_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "c10/core/Device.h"
#include "c10/core/Stream.h"
#include "c10/core/StreamGuard.h"
#include "model/engine/batch_threads.h"

namespace m3lung {

// On a CPU they divide its processors (batch_threads.h). On a GPU there are two, each a stream of
// its own, so that one batch is copied while another is computed.
//
// Thread safety: all methods may be called from any thread.
class ConcurrentBatches {
 public:
  // `threads` is for a CPU alone. UNAVAILABLE where the device gives no streams, as a GPU that has
  // fallen ill since it was opened (cuda_library.h).
  static absl::StatusOr<std::unique_ptr<ConcurrentBatches>> Create(c10::Device device,
                                                                   BatchThreads threads);

  int count() const { return static_cast<int>(streams_.size()); }

  // A batch's place on the device. Waits for one that is free, and makes it the one on which this
  // thread's work for the device runs, for the object's life. LibTorch keeps to a batch's number of
  // threads in this thread from then on.
  class Slot {
   public:
    explicit Slot(ConcurrentBatches& batches);
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    ConcurrentBatches& batches_;
    const int slot_;
    std::optional<c10::StreamGuard> guard_;
  };

 private:
  ConcurrentBatches(c10::Device device, BatchThreads threads);

  int Take();
  void Give(int slot);
  bool HasFree() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !free_.empty(); }

  // Constant after construction.
  std::vector<std::optional<c10::Stream>> streams_;  // one a slot, none of them on a CPU
  int threads_ = 0;                                  // of a batch on a CPU; 0: LibTorch's choice

  absl::Mutex mu_;
  std::vector<int> free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_CONCURRENT_BATCHES_H_
