// SPDX-License-Identifier: Apache-2.0
// Errors that a server answers with.
#ifndef M3LUNG_CLIENT_REMOTE_STATUS_H_
#define M3LUNG_CLIENT_REMOTE_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace m3lung::client {

// The status of a finished call with the same code and message, and with the
// server's stable reason where its trailing metadata names one.
absl::Status FromRemote(const grpc::Status& status, const grpc::ClientContext& context);

// The stable reason (a name of v1::ErrorReason, or a newer one) that a status
// carries; empty where it carries none.
std::string ReasonOf(const absl::Status& status);

// A copy of `status` with another message, its reason kept.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

// What a person reads: what failed, and what to do about it. `server` is the
// address as the person gave it. Ends without a line break.
std::string ExplainFailure(const absl::Status& status, absl::string_view server);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REMOTE_STATUS_H_
