// SPDX-License-Identifier: Apache-2.0
#include "server/exception_barrier.h"

#include <exception>
#include <new>
#include <typeinfo>

#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

ApiError Failed(const char* type) {
  spdlog::error("an exception ended a call: {}", type);
  return {absl::InternalError("the server failed on this call; send it once again, then tell the "
                              "operator, whose log names the kind of failure"),
          v1::PROCESSING_FAILED};
}

}  // namespace

ApiError RunBehindBarrier(const std::function<void()>& work) {
  try {
    work();
    return {absl::OkStatus(), v1::ERROR_REASON_UNSPECIFIED};
  } catch (const std::bad_alloc&) {
    spdlog::error("a call was ended for want of memory");
    return {absl::ResourceExhaustedError(
                "the server has no memory left for this call; send it again later"),
            v1::SERVER_FULL};
  } catch (const std::exception& e) {
    return Failed(typeid(e).name());
  } catch (...) {
    return Failed("of no known type");
  }
}

}  // namespace m3lung
