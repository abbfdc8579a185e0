// SPDX-License-Identifier: Apache-2.0
#include "base/allocator.h"

#include <malloc.h>

#include <atomic>
#include <limits>

#include "base/machine.h"

namespace m3lung {

void TuneAllocator() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 256 << 20);
  mallopt(M_ARENA_MAX, UsableProcessors());
}

void ReleaseFreeMemory() { malloc_trim(0); }

void ReleaseFreeMemoryNear(int64_t limit_bytes, int64_t more_bytes) {
  if (ResidentMemory() + more_bytes <= limit_bytes / 4 * 3) return;
  // Giving back takes milliseconds: not again where only that is left which it did not give back
  // the last time, as the stacks of threads.
  static std::atomic<int64_t> left = 0;
  const auto not_in_use = [] {
    return ResidentMemory() - static_cast<int64_t>(mallinfo2().uordblks);
  };
  if (not_in_use() <= left.load() + limit_bytes / 32) return;
  ReleaseFreeMemory();
  left.store(not_in_use());
}

}  // namespace m3lung
