// SPDX-License-Identifier: Apache-2.0
// How a call's error travels to the client.
#ifndef M3LUNG_SERVER_RPC_GRPC_STATUS_H_
#define M3LUNG_SERVER_RPC_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"

namespace m3lung {

// The trailing metadata entry that holds the reason's name.
inline constexpr char kReasonMetadata[] = "m3lung-reason";
// And the one with the milliseconds to try again after, which gRPC's own retries heed.
inline constexpr char kRetryMetadata[] = "grpc-retry-pushback-ms";

// Code and message; the two libraries share their codes.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same; the error's reason and advice (server/call_error.h) go into the call's trailing
// metadata.
grpc::Status ToGrpcStatus(const absl::Status& error, grpc::CallbackServerContext& context);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_RPC_GRPC_STATUS_H_
