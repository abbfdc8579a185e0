// SPDX-License-Identifier: Apache-2.0
// What the slice network is trained on, batch by batch.
#ifndef M3LUNG_TRAINING_TRAINERS_SLICE_BATCHES_H_
#define M3LUNG_TRAINING_TRAINERS_SLICE_BATCHES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "torch/types.h"
#include "training/data/prepared.h"
#include "training/trainers/augmentation.h"

namespace m3lung {

struct SliceSample {
  torch::Tensor hu;  // [S, S] int16
  Label label = Label::kHealthy;
  bool lesion = false;
  torch::Tensor lesion_mask;  // [S, S] uint8, 0 or 1; undefined where it is not known
};

struct SliceSamples {
  std::vector<SliceSample> samples;
  int dropped = 0;  // lesion-free slices of diseased studies
  // Diseased studies without slice labels: nobody knows which slices to take.
  std::vector<std::string> unlabelled;
};

// All slices of healthy studies, and of the others those with lesions (the paper,
// section III-B). INVALID_ARGUMENT where nothing is left of any class that has
// studies.
absl::StatusOr<SliceSamples> CollectSliceSamples(const std::vector<PreparedStudy>& studies);

// P is S, the side of a slice, or BatchOptions::part.
struct SliceBatch {
  torch::Tensor hu;          // [B, P, P] int16
  torch::Tensor centres_hu;  // [B] float32: the window of each
  torch::Tensor lesions;     // [B] int64: 0 without, 1 with
  torch::Tensor labels;      // [B] int64
  torch::Tensor places;      // [B, 2] int64: row and column of each part in its slice, in cells
  // [B, P / kMaskCell, P / kMaskCell] float32: the share of each cell that lesions cover, -1 in
  // slices of which it is not known; undefined unless asked for.
  torch::Tensor covers;
};

// Pixels of a side of the cells that masks are looked at in: those of the location map.
inline constexpr int64_t kMaskCell = 16;

struct BatchOptions {
  int size = 32;
  // Images of an epoch, drawn anew for each; 0: all. An incomplete last batch is
  // dropped, since a batch of one has no statistics.
  int64_t images_per_epoch = 0;
  // The classes that there are take turns, whatever their numbers of slices. A disease
  // that shows in few slices of a study is else seldom seen, and seldom told.
  bool balanced = false;
  bool covers = false;  // whether to make SliceBatch::covers
  // Pixels of the side of a square part of each slice, a multiple of 32: about a place of a
  // lesion where there is one, anywhere else. 0: whole slices. Many parts are seen in the time of
  // one slice, most of which is healthy; needs masks for all slices with lesions.
  int part = 0;
  uint64_t seed = 1;
  AugmentationOptions augmentation = {};
};

// REQUIRES: at least `size` samples.
int64_t BatchesPerEpoch(int64_t samples, const BatchOptions& options);

// Which samples an epoch takes, in its order; a function of labels, options and epoch
// alone. Every sample (where balanced: of a class) is taken equally often, up to one
// time, over the epochs.
std::vector<int64_t> EpochOrder(absl::Span<const Label> labels, const BatchOptions& options,
                                int64_t epoch);

std::vector<Label> LabelsOf(absl::Span<const SliceSample> samples);

// Batch `batch` of `epoch`: a function of the options and these two numbers alone,
// so that a training that goes on sees what it would have seen.
SliceBatch MakeBatch(absl::Span<const SliceSample> samples, absl::Span<const int64_t> order,
                     const BatchOptions& options, int64_t epoch, int64_t batch);

// Makes the batches from one place on, ahead of their use, on a thread of its own.
// REQUIRES: `samples` outlive it.
class BatchPrefetcher {
 public:
  BatchPrefetcher(absl::Span<const SliceSample> samples, BatchOptions options, int64_t epochs,
                  int64_t first_epoch, int64_t first_batch);
  ~BatchPrefetcher();
  BatchPrefetcher(const BatchPrefetcher&) = delete;
  BatchPrefetcher& operator=(const BatchPrefetcher&) = delete;

  // The next batch; nothing after the last one.
  std::optional<SliceBatch> Next();

 private:
  static constexpr size_t kDepth = 3;

  void Work(int64_t epochs, int64_t first_epoch, int64_t first_batch);
  bool Push(SliceBatch batch);
  bool HasRoomOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || queue_.size() < kDepth;
  }
  bool HasBatchOrEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return ended_ || !queue_.empty();
  }

  const absl::Span<const SliceSample> samples_;
  const BatchOptions options_;

  absl::Mutex mu_;
  std::deque<SliceBatch> queue_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::jthread worker_;  // last: joins before what it uses dies
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_SLICE_BATCHES_H_
