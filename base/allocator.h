// SPDX-License-Identifier: Apache-2.0
// The settings of the process's allocator, malloc().
#ifndef M3LUNG_BASE_ALLOCATOR_H_
#define M3LUNG_BASE_ALLOCATOR_H_

#include <cstdint>

namespace m3lung {

// Has it keep the memory that the process frees. Each run of a network frees and takes the same
// hundreds of megabytes again; memory that goes back to the system in between is zeroed page by
// page every time, which takes a tenth of an inference and a fifth of a training step. To be called
// at the start.
//
// There are as many heaps as processors, not glibc's eight times as many: threads come and go with
// their models, each takes another heap than the one before, and all that any of them ever held
// stays.
void TuneAllocator();

// Gives the system what is free at the moment, once: after something large has ended.
void ReleaseFreeMemory();

// The same where `more_bytes` would bring the process near its limit (three quarters of it: the
// rest is for messages that are on their way, and for a run of the networks). Freed images of the
// largest size lie in pieces that the next one may not fit into.
//
// Thread safety: may be called from any thread.
void ReleaseFreeMemoryNear(int64_t limit_bytes, int64_t more_bytes);

}  // namespace m3lung

#endif  // M3LUNG_BASE_ALLOCATOR_H_
