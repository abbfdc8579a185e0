// SPDX-License-Identifier: Apache-2.0
#include "server/call_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

constexpr char kReasonUrl[] = "m3lung.v1.ErrorReason";
constexpr char kRetryUrl[] = "m3lung.v1.RetryAfterMilliseconds";

}  // namespace

absl::Status CallError(absl::Status status, v1::ErrorReason reason, absl::Duration retry_after) {
  status.SetPayload(kReasonUrl, absl::Cord(v1::ErrorReason_Name(reason)));
  if (retry_after > absl::ZeroDuration()) {
    status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(retry_after))));
  }
  return status;
}

v1::ErrorReason ErrorReasonOf(const absl::Status& status) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (const auto name = status.GetPayload(kReasonUrl)) {
    v1::ErrorReason_Parse(std::string(*name), &reason);
  }
  return reason;
}

absl::Duration RetryAfterOf(const absl::Status& status) {
  int64_t milliseconds = 0;
  if (const auto text = status.GetPayload(kRetryUrl);
      text.has_value() && absl::SimpleAtoi(std::string(*text), &milliseconds)) {
    return absl::Milliseconds(milliseconds);
  }
  return absl::ZeroDuration();
}

absl::Status ScoringError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return CallError(status, v1::DEVICE_FAILED);
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return status;
    default:
      return CallError(status, v1::MODEL_FAILED);
  }
}

}  // namespace m3lung
