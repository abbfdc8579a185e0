// SPDX-License-Identifier: Apache-2.0
#include "server/study/exception_barrier.h"

#include <exception>
#include <new>
#include <typeinfo>
#include <utility>

#include "server/call_error.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

absl::Status Failed(const char* type) {
  spdlog::error("an exception ended a call: {}", type);
  return CallError(
      absl::InternalError("the server failed on this call; send it once again, then tell the "
                          "operator, whose log names the kind of failure"),
      v1::PROCESSING_FAILED);
}

}  // namespace

absl::Status RunBehindBarrier(const std::function<void()>& work) {
  try {
    work();
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    spdlog::error("a call was ended for want of memory");
    return CallError(absl::ResourceExhaustedError(
                         "the server has no memory left for this call; send it again later"),
                     v1::SERVER_FULL);
  } catch (const std::exception& e) {
    return Failed(typeid(e).name());
  } catch (...) {
    return Failed("of no known type");
  }
}

void RunOn(Executor& executor, const Admission& admission, std::function<void()> work,
           std::function<void(const absl::Status&)> end) {
  executor.Run([&admission, work = std::move(work), end = std::move(end)] {
    absl::Status error = RunBehindBarrier(work);
    if (error.ok()) return;
    if (ErrorReasonOf(error) == v1::SERVER_FULL) {
      error = CallError(std::move(error), v1::SERVER_FULL, RetryAfterOf(admission.Full()));
    }
    end(error);
  });
}

}  // namespace m3lung
