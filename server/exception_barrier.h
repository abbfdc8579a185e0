// SPDX-License-Identifier: Apache-2.0
// What work of a call throws ends that call, and nothing else.
#ifndef M3LUNG_SERVER_EXCEPTION_BARRIER_H_
#define M3LUNG_SERVER_EXCEPTION_BARRIER_H_

#include <functional>

#include "server/conversions.h"

namespace m3lung {

// Runs `work`. OK where it returns; where it throws, the error that its call ends with:
// RESOURCE_EXHAUSTED (SERVER_FULL) for want of memory, else INTERNAL (PROCESSING_FAILED). The log
// is told the exception's type; what it says may quote what a client sent.
ApiError RunBehindBarrier(const std::function<void()>& work);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_EXCEPTION_BARRIER_H_
