// SPDX-License-Identifier: Apache-2.0
// /metrics over HTTP, for Prometheus.
#ifndef M3LUNG_SERVER_OPS_METRICS_ENDPOINT_H_
#define M3LUNG_SERVER_OPS_METRICS_ENDPOINT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/registry.h"

struct MHD_Daemon;

namespace m3lung {

// Answers GET and HEAD of /metrics in Prometheus' text format, from a thread of its own; anything
// else with 404 or 405. The number of connections, their memory and their idle time are bounded.
class MetricsEndpoint {
 public:
  // `address` as ListeningSocket::Bind() takes it. UNAVAILABLE, with address and reason, where it
  // cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Listen(
      const std::string& address, std::shared_ptr<prometheus::Registry> registry);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  int port() const { return port_; }

 private:
  explicit MetricsEndpoint(std::shared_ptr<prometheus::Registry> registry)
      : registry_(std::move(registry)) {}

  const std::shared_ptr<prometheus::Registry> registry_;
  int port_ = 0;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_METRICS_ENDPOINT_H_
