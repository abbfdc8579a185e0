// SPDX-License-Identifier: Apache-2.0
#include "base/freed_memory.h"

#include <malloc.h>

#include <limits>

#include "base/machine.h"

namespace m3lung {

void KeepFreedMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 256 << 20);
  mallopt(M_ARENA_MAX, UsableProcessors());
}

void GiveBackFreedMemory() { malloc_trim(0); }

}  // namespace m3lung
