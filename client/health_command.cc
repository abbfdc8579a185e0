// SPDX-License-Identifier: Apache-2.0
// m3lung health: is the server alive, and ready for studies?
#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "client/channel.h"
#include "client/commands.h"
#include "client/remote_status.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace m3lung::client {
namespace {

namespace health = grpc::health::v1;

int RunHealth(const std::string& server) {
  const auto stub = health::Health::NewStub(MakeChannel(server));
  int exit_code = kExitDone;
  for (const char* service : {"liveness", "readiness"}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    health::HealthCheckRequest request;
    request.set_service(service);
    health::HealthCheckResponse response;
    const grpc::Status status = stub->Check(&context, request, &response);
    if (!status.ok() && status.error_code() != grpc::StatusCode::NOT_FOUND) {
      std::cerr << "m3lung: " << ExplainFailure(FromRemote(status, context), server) << "\n";
      return kExitFailed;
    }
    const health::HealthCheckResponse::ServingStatus state =
        status.ok() ? response.status() : health::HealthCheckResponse::SERVICE_UNKNOWN;
    std::cout << absl::StrFormat("%-10s %s\n", service,
                                 health::HealthCheckResponse::ServingStatus_Name(state));
    if (state != health::HealthCheckResponse::SERVING) exit_code = kExitFailed;
  }
  return exit_code;
}

}  // namespace

void AddHealthCommand(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("health", "Ask whether a server is alive and ready");
  const auto server = std::make_shared<std::string>(kDefaultServer);
  command->add_option("--server", *server, "Address of the server, host:port")
      ->capture_default_str();
  command->footer(
      "Exit codes: 0 alive and ready; 1 not, or not reachable; 2 used wrongly.\n"
      "Example: m3lung health --server=127.0.0.1:50051");
  command->callback([server, &exit_code] { exit_code = RunHealth(*server); });
}

}  // namespace m3lung::client
