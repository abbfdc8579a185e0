// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/grpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/call_error.h"

namespace m3lung {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(status.message()));
}

grpc::Status ToGrpcStatus(const absl::Status& error, grpc::CallbackServerContext& context) {
  if (const v1::ErrorReason reason = ErrorReasonOf(error); reason != v1::ERROR_REASON_UNSPECIFIED) {
    context.AddTrailingMetadata(kReasonMetadata, v1::ErrorReason_Name(reason));
  }
  if (const absl::Duration wait = RetryAfterOf(error); wait > absl::ZeroDuration()) {
    context.AddTrailingMetadata(kRetryMetadata, absl::StrCat(absl::ToInt64Milliseconds(wait)));
  }
  return ToGrpcStatus(error);
}

}  // namespace m3lung
