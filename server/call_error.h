// SPDX-License-Identifier: Apache-2.0
// Why a call fails: an absl::Status that carries what the API says besides code and message
// (docs/adr/0017-errors.md).
#ifndef M3LUNG_SERVER_CALL_ERROR_H_
#define M3LUNG_SERVER_CALL_ERROR_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "m3lung/v1/screening.pb.h"

namespace m3lung {

// `status` with the reason that clients decide by, and after how long another try has a chance;
// zero: no advice. The message is for a person and holds no patient data.
// REQUIRES: `status` is an error.
absl::Status CallError(absl::Status status, v1::ErrorReason reason,
                       absl::Duration retry_after = absl::ZeroDuration());

// What CallError() was given; ERROR_REASON_UNSPECIFIED and zero for other statuses.
v1::ErrorReason ErrorReasonOf(const absl::Status& status);
absl::Duration RetryAfterOf(const absl::Status& status);

// The error of a call whose slice or patient could not be scored, by the batcher's
// and the runner's codes.
absl::Status ScoringError(const absl::Status& status);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_CALL_ERROR_H_
