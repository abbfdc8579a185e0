// SPDX-License-Identifier: Apache-2.0
#include "server/ops/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace m3lung {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<Addresses> Resolve(const std::string& host, const std::string& port) {
  addrinfo wanted = {};
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
  if (error == 0) return Addresses(found, &freeaddrinfo);
  return absl::UnavailableError(absl::StrCat(host, ": ", gai_strerror(error)));
}

// 0, or the system's reason.
int Listen(int descriptor, const addrinfo& address) {
  const int yes = 1, no = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address.ai_family == AF_INET6) {
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  }
  if (bind(descriptor, address.ai_addr, address.ai_addrlen) != 0) return errno;
  return listen(descriptor, SOMAXCONN) == 0 ? 0 : errno;
}

int PortOf(int descriptor) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

}  // namespace

absl::StatusOr<ListeningSocket> ListeningSocket::Bind(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is not HOST:PORT"));
  }
  std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  }
  absl::StatusOr<Addresses> resolved = Resolve(host, port);
  if (!resolved.ok()) return resolved.status();
  std::vector<const addrinfo*> candidates;
  for (const addrinfo* at = resolved->get(); at != nullptr; at = at->ai_next) {
    candidates.push_back(at);
  }
  // A name that stands for both, like localhost, meant IPv4 where programs knew nothing else.
  std::stable_partition(candidates.begin(), candidates.end(),
                        [](const addrinfo* one) { return one->ai_family == AF_INET; });
  int reason = 0;
  for (const addrinfo* candidate : candidates) {
    ListeningSocket made(socket(candidate->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    reason = made.descriptor_ < 0 ? errno : Listen(made.descriptor_, *candidate);
    if (reason != 0) continue;
    made.port_ = PortOf(made.descriptor_);
    return made;
  }
  if (host == "::" && reason == EAFNOSUPPORT) return Bind(absl::StrCat("0.0.0.0:", port));
  return absl::UnavailableError(std::strerror(reason));
}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace m3lung
