// SPDX-License-Identifier: Apache-2.0
#include "model/engine/cpu_share.h"

#include <algorithm>

namespace m3lung {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(250);
constexpr int kMostThreads = 1024;

}  // namespace

CpuShare DivideProcessors(int processors, int threads_a_batch) {
  const int lanes = std::max(1, processors / threads_a_batch);
  return {.lanes = lanes, .threads = processors / lanes};
}

int ThreadsForSlice(absl::Duration alone) {
  const double threads = absl::FDivDuration(absl::Ceil(alone, kSlice), kSlice);
  return static_cast<int>(std::clamp<double>(threads, 1, kMostThreads));
}

}  // namespace m3lung
