// The server as a whole: what main() starts and stops, and tests too.
#ifndef M3LUNG_SERVER_SERVER_H_
#define M3LUNG_SERVER_SERVER_H_

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
  // UNAVAILABLE names the address that cannot be bound.
  // REQUIRES: ValidateConfig() found `config` OK.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const server::ServerConfig& config);
  ~Server();

  // Loads and warms up every bundle, then takes studies. The error names the
  // bundle that was refused.
  absl::Status LoadModels();

  // Not ready from here on; new studies are refused, those in flight have the
  // configured grace. Returns when all have ended or the grace is over.
  void Stop();

  // Where it listens, with the port that was picked.
  const std::string& address() const { return address_; }
  const std::string& metrics_address() const { return metrics_address_; }

 private:
  explicit Server(const server::ServerConfig& config);
  absl::Status Listen();
  void SetReady(bool ready);

  const server::ServerConfig config_;
  const int processors_;
  std::string address_;
  std::string metrics_address_;

  // In the order in which they depend on each other; the last dies first.
  ServerMetrics metrics_;
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
