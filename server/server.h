// SPDX-License-Identifier: Apache-2.0
// The server as a whole: what main() starts and stops, and tests too.
#ifndef M3LUNG_SERVER_SERVER_H_
#define M3LUNG_SERVER_SERVER_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "grpcpp/server.h"
#include "model/bundle/bundle.h"
#include "server/config.pb.h"
#include "server/ops/metrics.h"
#include "server/ops/metrics_endpoint.h"
#include "server/ops/model_registry.h"
#include "server/rpc/model_service.h"
#include "server/rpc/screening_service.h"

namespace m3lung {

// Names that grpc.health.v1.Health answers to.
inline constexpr char kLivenessService[] = "liveness";
inline constexpr char kReadinessService[] = "readiness";

// LoadBundle(), or a test's stand-in.
using BundleLoader = std::function<absl::StatusOr<std::shared_ptr<const Bundle>>(
    const std::filesystem::path& directory, const LoadOptions& options)>;

// Start() listens, alive and not ready; LoadModels() and BeginServing() make it ready;
// Stop() lets studies in flight end.
class Server {
 public:
  // UNAVAILABLE names the address that cannot be bound. `on_failure` is called, perhaps
  // more than once and on any thread, when the device of the networks has failed: the
  // server is no longer ready, what was open has ended, and Stop() should follow.
  // REQUIRES: ValidateConfig() found `config` OK.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const server::ServerConfig& config,
                                                       std::function<void()> on_failure,
                                                       BundleLoader load = LoadBundle);
  ~Server();

  // Loads and warms up every bundle. The error names the bundle that was refused; CANCELLED where
  // `stop` asked for it between two steps. Called on one thread at a time, as ReloadModels().
  absl::Status LoadModels(const std::stop_token& stop);
  // Takes studies, and says that it is ready, from here on. Not together with Stop() or after it.
  void BeginServing() { SetReady(true); }
  // Looks into the folder of bundles again while it serves: new ones are loaded, those
  // that have gone are no longer offered, studies keep the model that they began with.
  // After an error, which names the bundle that was refused, all is as it was.
  absl::Status ReloadModels(const std::stop_token& stop);
  // Ends replaced models that no study uses any more. To be called now and then.
  void EndUnusedModels();

  // Not ready from here on; new studies are refused, those in flight have the
  // configured grace. Returns when all have ended or the grace is over, and no thread of
  // batches or of the pool is left.
  void Stop();
  // Ends the studies in flight, which Stop() then need not wait for. From any thread.
  void EndStudies();

  // Where it listens, with the port that was picked.
  const std::string& address() const { return address_; }
  const std::string& metrics_address() const { return metrics_address_; }

 private:
  Server(const server::ServerConfig& config, std::function<void()> on_failure, BundleLoader load);
  absl::Status Listen();
  absl::StatusOr<std::shared_ptr<ServedModel>> LoadModel(const std::filesystem::path& directory,
                                                         const std::stop_token& stop);
  absl::Status ReplaceModels(const std::stop_token& stop);
  void SetReady(bool ready);
  void OnDeviceFailed(const absl::Status& reason);

  const server::ServerConfig config_;
  const std::function<void()> on_failure_;
  const BundleLoader load_;
  const int processors_;
  std::string address_;
  std::string metrics_address_;

  // In the order in which they depend on each other; the last dies first, once Stop() has ended the
  // threads of models and pools, which use what stands below them here.
  ServerMetrics metrics_;
  MemoryBudget budget_;
  Admission admission_;
  ModelRegistry models_;
  ThreadPool pool_;
  ThreadPool answering_;
  const SessionEnvironment environment_;
  ScreeningService screening_service_;
  ModelService model_service_;
  std::unique_ptr<MetricsEndpoint> metrics_endpoint_;
  std::unique_ptr<grpc::Server> grpc_server_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_SERVER_H_
