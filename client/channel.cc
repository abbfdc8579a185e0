// SPDX-License-Identifier: Apache-2.0
#include "client/channel.h"

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace m3lung::client {

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  // A map of 4096 x 4096 floats, the largest that a server makes, is 64 MiB.
  arguments.SetMaxReceiveMessageSize(80 << 20);
  // A server that vanished without a word is noticed in the end. Servers hang up
  // on clients that ask more often than every five minutes.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 360'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace m3lung::client
