// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_plan.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace m3lung {

absl::StatusOr<BatchPlan> BatchPlan::Create(std::vector<BatchSize> sizes) {
  if (sizes.empty()) return absl::InvalidArgumentError("batch sizes: none given");
  const bool known = sizes.front().duration != absl::ZeroDuration();
  int previous = 0;
  for (const BatchSize& size : sizes) {
    if (size.slices <= previous) {
      return absl::InvalidArgumentError(absl::StrCat("batch sizes must be positive and rise; ",
                                                     size.slices, " follows ", previous));
    }
    previous = size.slices;
    if (size.duration < absl::ZeroDuration() || (size.duration != absl::ZeroDuration()) != known) {
      return absl::InvalidArgumentError(
          "durations of batches must be positive, or zero for all sizes");
    }
  }
  return BatchPlan(std::move(sizes));
}

BatchPlan::BatchPlan(std::vector<BatchSize> sizes) : sizes_(std::move(sizes)) {
  // What is best for twice the largest size is best for more.
  const int most = 2 * largest();
  next_.resize(most + 1);
  std::vector<absl::Duration> until_done(most + 1);
  for (int waiting = 1; waiting <= most; ++waiting) {
    absl::Duration best = absl::InfiniteDuration();
    for (const BatchSize& size : sizes_) {
      const absl::Duration duration =
          size.duration + until_done[std::max(0, waiting - size.slices)];
      const bool is_waste = size.slices > waiting && next_[waiting] >= waiting;
      if (duration > best || (duration == best && is_waste)) continue;
      best = duration;
      next_[waiting] = size.slices;
    }
    until_done[waiting] = best;
  }
}

int BatchPlan::LeastHolding(int slices) const {
  return std::find_if(sizes_.begin(), sizes_.end(),
                      [slices](const BatchSize& size) { return size.slices >= slices; })
      ->slices;
}

int BatchPlan::Next(int waiting) const {
  return next_[std::min<size_t>(waiting, next_.size() - 1)];
}

}  // namespace m3lung
