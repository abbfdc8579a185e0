// SPDX-License-Identifier: Apache-2.0
// The server as a whole: what main() starts and stops, and tests too.
#ifndef M3LUNG_SERVER_SERVER_H_
#define M3LUNG_SERVER_SERVER_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "grpcpp/server.h"
#include "prometheus/exposer.h"
#include "server/config.pb.h"
#include "server/metrics.h"
#include "server/model_registry.h"
#include "server/model_service.h"
#include "server/screening_service.h"

namespace m3lung {

// Names that grpc.health.v1.Health answers to.
inline constexpr char kLivenessService[] = "liveness";
inline constexpr char kReadinessService[] = "readiness";

// Start() listens, alive and not ready; LoadModels() makes it ready; Stop() lets
// studies in flight end.
class Server {
 public:
  // UNAVAILABLE names the address that cannot be bound. `on_failure` is called, perhaps
  // more than once and on any thread, when the device of the networks has failed: the
  // server is no longer ready, what was open has ended, and Stop() should follow.
  // REQUIRES: ValidateConfig() found `config` OK.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const server::ServerConfig& config,
                                                       std::function<void()> on_failure);
  ~Server();

  // Loads and warms up every bundle, then takes studies. The error names the
  // bundle that was refused.
  absl::Status LoadModels();
  // Looks into the folder of bundles again while it serves: new ones are loaded, those
  // that have gone are no longer offered, studies keep the model that they began with.
  // After an error, which names the bundle that was refused, all is as it was.
  absl::Status ReloadModels();
  // Ends replaced models that no study uses any more. To be called now and then.
  void EndUnusedModels();

  // Not ready from here on; new studies are refused, those in flight have the
  // configured grace. Returns when all have ended or the grace is over.
  void Stop();

  // Where it listens, with the port that was picked.
  const std::string& address() const { return address_; }
  const std::string& metrics_address() const { return metrics_address_; }

 private:
  Server(const server::ServerConfig& config, std::function<void()> on_failure);
  absl::Status Listen();
  absl::StatusOr<std::shared_ptr<ServedModel>> LoadModel(const std::filesystem::path& directory);
  absl::Status ReplaceModels();
  void SetReady(bool ready);
  void OnDeviceFailed(const absl::Status& reason);

  const server::ServerConfig config_;
  const std::function<void()> on_failure_;
  const int processors_;
  std::string address_;
  std::string metrics_address_;

  // In the order in which they depend on each other; the last dies first.
  ServerMetrics metrics_;
  MemoryBudget budget_;
  Admission admission_;
  ModelRegistry models_;
  ThreadPool pool_;
  const SessionEnvironment environment_;
  ScreeningService screening_service_;
  ModelService model_service_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::unique_ptr<grpc::Server> grpc_server_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_SERVER_H_
