// SPDX-License-Identifier: Apache-2.0
// A TCP socket that listens.
#ifndef M3LUNG_SERVER_OPS_LISTENING_SOCKET_H_
#define M3LUNG_SERVER_OPS_LISTENING_SOCKET_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace m3lung {

class ListeningSocket {
 public:
  // `address`: HOST:PORT, where HOST is a name or a numerical address, IPv6 in brackets; port 0
  // picks a free one. "[::]" is all addresses of both families, as gRPC has it, also where the
  // machine has IPv4 alone. UNAVAILABLE, with the system's reason, where it cannot be bound;
  // INVALID_ARGUMENT for what is no address.
  static absl::StatusOr<ListeningSocket> Bind(const std::string& address);

  ~ListeningSocket();
  ListeningSocket(ListeningSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  int descriptor() const { return descriptor_; }
  int port() const { return port_; }
  // The caller closes it from here on.
  int Release() && { return std::exchange(descriptor_, -1); }

 private:
  explicit ListeningSocket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  int port_ = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_LISTENING_SOCKET_H_
