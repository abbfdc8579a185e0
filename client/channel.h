// SPDX-License-Identifier: Apache-2.0
// Connections to a server.
#ifndef M3LUNG_CLIENT_CHANNEL_H_
#define M3LUNG_CLIENT_CHANNEL_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace m3lung::client {

inline constexpr char kDefaultServer[] = "127.0.0.1:50051";

// A channel without encryption to `address` ("host:port"), which takes answers
// as large as a full-size lesion map makes them. Connects at the first call.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_CHANNEL_H_
