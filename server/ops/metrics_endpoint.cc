// SPDX-License-Identifier: Apache-2.0
#include "server/ops/metrics_endpoint.h"

#include <microhttpd.h>

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "prometheus/text_serializer.h"
#include "server/ops/listening_socket.h"

namespace m3lung {
namespace {

constexpr char kPath[] = "/metrics";
constexpr char kPlainText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

// A few scrapers and someone who looks; not so many that others could use up the descriptors.
constexpr unsigned kConnections = 32;
// For a request's head, which is all that is read of one.
constexpr size_t kConnectionBytes = 16 << 10;
constexpr unsigned kIdleSeconds = 15;

MHD_Result Reply(MHD_Connection* connection, unsigned code, absl::string_view body,
                 const char* content_type) {
  // libmicrohttpd leaves the body out where the request was HEAD, and copies it otherwise.
  MHD_Response* const response = MHD_create_response_from_buffer(
      body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
  if (code == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  const MHD_Result queued = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);
  return queued;
}

MHD_Result Answer(void* registry, MHD_Connection* connection, const char* path, const char* method,
                  const char* /*version*/, const char* /*upload*/, size_t* /*upload_size*/,
                  void** /*state*/) try {
  if (absl::StripSuffix(path, "/") != kPath) {
    return Reply(connection, MHD_HTTP_NOT_FOUND, "m3lungd answers to /metrics here\n", kPlainText);
  }
  if (absl::string_view(method) != MHD_HTTP_METHOD_GET &&
      absl::string_view(method) != MHD_HTTP_METHOD_HEAD) {
    return Reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "/metrics is there to be read\n",
                 kPlainText);
  }
  const std::string text = prometheus::TextSerializer().Serialize(
      static_cast<const prometheus::Registry*>(registry)->Collect());
  return Reply(connection, MHD_HTTP_OK, text, kPrometheusText);
} catch (const std::exception&) {
  return MHD_NO;  // closes the connection; an exception must not go through C
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Listen(
    const std::string& address, std::shared_ptr<prometheus::Registry> registry) {
  absl::StatusOr<ListeningSocket> socket = ListeningSocket::Bind(address);
  if (!socket.ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot bind ", address, ": ", socket.status().message()));
  }
  std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint(std::move(registry)));
  endpoint->port_ = socket->port();
  endpoint->daemon_ = MHD_start_daemon(
      MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, &Answer, endpoint->registry_.get(),
      MHD_OPTION_LISTEN_SOCKET, socket->descriptor(), MHD_OPTION_CONNECTION_LIMIT, kConnections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_CONNECTION_TIMEOUT,
      kIdleSeconds, MHD_OPTION_END);
  if (endpoint->daemon_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot serve HTTP at ", address));
  }
  std::move(*socket).Release();  // libmicrohttpd closes it
  return endpoint;
}

MetricsEndpoint::~MetricsEndpoint() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

}  // namespace m3lung
