// SPDX-License-Identifier: Apache-2.0
// Proxies that the environment names, as gRPC takes them.
#ifndef M3LUNG_CLIENT_PROXY_H_
#define M3LUNG_CLIENT_PROXY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace m3lung::client {

// Whether `target`, an address as gRPC takes it ("host:port", "dns:///host:port", "unix:path"), is
// on this machine. No proxy is ever asked for it.
bool IsLoopback(absl::string_view target);

// The host of `target`, without port and brackets.
std::string HostOf(absl::string_view target);

struct Proxy {
  std::string variable;  // of the environment, "http_proxy"; empty: `target` is reached directly
  std::string address;   // "proxy.example:3128", without user and password
};

// The proxy by which gRPC reaches `target`.
Proxy ProxyFor(absl::string_view target);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_PROXY_H_
