// SPDX-License-Identifier: Apache-2.0
// How batches that run side by side on a CPU divide its processors.
#ifndef M3LUNG_MODEL_ENGINE_BATCH_THREADS_H_
#define M3LUNG_MODEL_ENGINE_BATCH_THREADS_H_

#include "absl/time/time.h"

namespace m3lung {

struct BatchThreads {
  int batches = 1;  // at once
  int threads = 0;  // of each; 0: LibTorch's choice
};

// Instead of a number of threads a batch: as many as ThreadsForSlice() says.
inline constexpr int kThreadsBySpeed = -1;

// As many batches of `threads_per_batch` as there are processors for, at least one. What is left
// over is divided among them. REQUIRES: both at least 1.
BatchThreads DivideProcessors(int processors, int threads_per_batch);

// Threads for a batch of one slice that takes `alone` on one thread. Few of them lose the least:
// threads that share a batch wait for each other at each of its hundred steps, all the longer where
// a decoder takes one of their processors away. But each batch takes its memory, and the first
// result must not wait for long. So there are as many as it takes for a slice to be done in a
// quarter of a second, at best.
int ThreadsForSlice(absl::Duration alone);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_BATCH_THREADS_H_
