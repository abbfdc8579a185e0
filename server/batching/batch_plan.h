// SPDX-License-Identifier: Apache-2.0
// How many slices to run together, by what each size of batch costs.
#ifndef M3LUNG_SERVER_BATCHING_BATCH_PLAN_H_
#define M3LUNG_SERVER_BATCHING_BATCH_PLAN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace m3lung {

// A size of batch that the model is run with, and how long such a run takes. Where
// that is not known it is zero for all of them.
struct BatchSize {
  int slices = 1;
  absl::Duration duration = {};
};

// Thread safety: const.
class BatchPlan {
 public:
  // INVALID_ARGUMENT for sizes that are empty, not positive or not rising, or
  // durations that are negative or known for some of them only.
  static absl::StatusOr<BatchPlan> Create(std::vector<BatchSize> sizes);

  int largest() const { return sizes_.back().slices; }

  // The size to run next so that all `waiting` slices are done soonest: a device that
  // takes as long for four slices as for one fills a batch of four up, one that takes
  // four times as long runs them one by one. Of equally fast ones the larger.
  // Where durations are not known: the least size that holds all, or the largest.
  // REQUIRES: waiting >= 1.
  int Next(int waiting) const;

  // The least size that holds `slices`.
  // REQUIRES: slices <= largest().
  int LeastHolding(int slices) const;

 private:
  explicit BatchPlan(std::vector<BatchSize> sizes);

  std::vector<BatchSize> sizes_;
  std::vector<int> next_;  // by slices that wait, up to twice the largest size
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_BATCHING_BATCH_PLAN_H_
