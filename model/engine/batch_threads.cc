// SPDX-License-Identifier: Apache-2.0
#include "model/engine/batch_threads.h"

#include <algorithm>

namespace m3lung {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(250);
constexpr int kMostThreads = 1024;

}  // namespace

BatchThreads DivideProcessors(int processors, int threads_per_batch) {
  const int batches = std::max(1, processors / threads_per_batch);
  return {.batches = batches, .threads = processors / batches};
}

int ThreadsForSlice(absl::Duration alone) {
  const double threads = absl::FDivDuration(absl::Ceil(alone, kSlice), kSlice);
  return static_cast<int>(std::clamp<double>(threads, 1, kMostThreads));
}

}  // namespace m3lung
