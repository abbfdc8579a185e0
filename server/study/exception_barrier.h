// SPDX-License-Identifier: Apache-2.0
// What work of a call throws ends that call, and nothing else.
#ifndef M3LUNG_SERVER_STUDY_EXCEPTION_BARRIER_H_
#define M3LUNG_SERVER_STUDY_EXCEPTION_BARRIER_H_

#include <functional>

#include "absl/status/status.h"
#include "base/thread_pool.h"
#include "server/ops/admission.h"

namespace m3lung {

// Runs `work`. OK where it returns; where it throws, the error that its call ends with:
// RESOURCE_EXHAUSTED (SERVER_FULL) for want of memory, else INTERNAL (PROCESSING_FAILED). The log
// is told the exception's type; what it says may quote what a client sent.
absl::Status RunBehindBarrier(const std::function<void()>& work);

// Runs `work` there behind the barrier; where it throws, `end` is given the error, with the time to
// try again after where memory was wanting.
void RunOn(Executor& executor, const Admission& admission, std::function<void()> work,
           std::function<void(const absl::Status&)> end);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_EXCEPTION_BARRIER_H_
