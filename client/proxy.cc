// SPDX-License-Identifier: Apache-2.0
#include "client/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace m3lung::client {
namespace {

bool IsUnixSocket(absl::string_view target) {
  return absl::StartsWith(target, "unix:") || absl::StartsWith(target, "unix-abstract:") ||
         absl::StartsWith(target, "vsock:");
}

// In the order in which gRPC looks at them: the first that is set decides, also where it is empty.
constexpr const char* kProxies[] = {"grpc_proxy", "https_proxy", "http_proxy"};
constexpr const char* kExceptions[] = {"no_grpc_proxy", "no_proxy"};

}  // namespace

std::string HostOf(absl::string_view target) {
  for (const char* scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&target, scheme)) break;
  }
  if (absl::ConsumePrefix(&target, "//")) {  // an authority, the name server
    target.remove_prefix(std::min(target.size(), target.find('/')));
    absl::ConsumePrefix(&target, "/");
  }
  if (absl::ConsumePrefix(&target, "[")) return std::string(target.substr(0, target.find(']')));
  // More than one colon without brackets: an IPv6 address without a port.
  const size_t colon = target.find(':');
  if (colon != target.rfind(':')) return std::string(target);
  return std::string(target.substr(0, colon));
}

bool IsLoopback(absl::string_view target) {
  if (IsUnixSocket(target)) return true;
  const std::string host = absl::AsciiStrToLower(HostOf(target));
  if (host == "localhost" || host == "localhost.") return true;
  in_addr v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
  }
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

Proxy ProxyFor(absl::string_view target) {
  Proxy proxy;
  if (IsLoopback(target)) return proxy;
  const char* value = nullptr;
  for (const char* variable : kProxies) {
    proxy.variable = variable;
    value = std::getenv(variable);
    if (value != nullptr) break;
  }
  // gRPC knows of no other proxies than such, and goes directly where it is told of one.
  absl::string_view address = value == nullptr ? "" : value;
  if (!absl::ConsumePrefix(&address, "http://")) return {};
  const std::string host = HostOf(target);
  for (const char* variable : kExceptions) {
    const char* exceptions = std::getenv(variable);
    if (exceptions == nullptr) continue;
    for (absl::string_view exception : absl::StrSplit(exceptions, ',', absl::SkipWhitespace())) {
      if (absl::EndsWith(host, absl::StripAsciiWhitespace(exception))) return {};
    }
    break;
  }
  address = address.substr(0, address.find('/'));
  if (const size_t at = address.rfind('@'); at != absl::string_view::npos) {
    address.remove_prefix(at + 1);
  }
  proxy.address = std::string(address);
  return proxy;
}

}  // namespace m3lung::client
