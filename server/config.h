// SPDX-License-Identifier: Apache-2.0
// The server's configuration: a file, a few flags over it, checked once.
#ifndef M3LUNG_SERVER_CONFIG_H_
#define M3LUNG_SERVER_CONFIG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/config.pb.h"

namespace m3lung {

// Reads a configuration in protobuf's text format. INVALID_ARGUMENT gives line,
// column and name of a key that is unknown or ill-typed.
absl::StatusOr<server::ServerConfig> ReadConfig(const std::string& path);

// INVALID_ARGUMENT names the first key that is out of its range, its value and
// the range (server/config.proto). Nothing is altered.
absl::Status ValidateConfig(const server::ServerConfig& config);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_CONFIG_H_
