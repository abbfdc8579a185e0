#include "server/server.h"

#include <chrono>
#include <exception>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"
#include "model/bundle.h"
#include "opencv2/core/utility.hpp"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

// Of one message, either way. Whole studies come in chunks.
constexpr int kMaxMessageBytes = 16 << 20;

int OrAllProcessors(int configured, int processors) {
  return configured > 0 ? configured : processors;
}

std::vector<int> BatchSizes(const server::ServerConfig& config) {
  if (config.batching().sizes().empty()) return {1, 4};
  return {config.batching().sizes().begin(), config.batching().sizes().end()};
}

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

Server::Server(const server::ServerConfig& config)
    : config_(config),
      processors_(UsableProcessors()),
      pool_(OrAllProcessors(config.decode_threads(), processors_)),
      environment_{models_, pool_, metrics_, Clock::Real(), config.limits()},
      screening_service_(environment_),
      model_service_(models_, metrics_, Clock::Real()) {
  // The decode pool spreads slices over the processors; threads of OpenCV's own
  // within each would only get in its way.
  cv::setNumThreads(1);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const server::ServerConfig& config) {
  std::unique_ptr<Server> server(new Server(config));
  M3L_RETURN_IF_ERROR(server->Listen());
  return server;
}

absl::Status Server::Listen() {
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(config_.metrics_listen());
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("metrics_listen: cannot bind ",
                                               config_.metrics_listen(),
                                               "; is another program listening there?"));
  }
  exposer_->RegisterCollectable(metrics_.registry());
  metrics_address_ =
      WithPort(config_.metrics_listen(),
               exposer_->GetListeningPorts().empty() ? 0 : exposer_->GetListeningPorts().front());

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  // Two servers must not share a port unnoticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(config_.listen(), grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(-1);  // A full-size map of a large image may be larger.
  builder.RegisterService(&screening_service_);
  builder.RegisterService(&model_service_);
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("listen: cannot bind ", config_.listen(),
                                               "; is another program listening there?"));
  }
  address_ = WithPort(config_.listen(), port);
  grpc_server_->GetHealthCheckService()->SetServingStatus(kLivenessService, true);
  SetReady(false);
  return absl::OkStatus();
}

absl::Status Server::LoadModels() {
  M3L_ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> directories,
                       FindBundles(config_.models()));
  LoadOptions options;
  options.device = config_.device();
  options.batch_sizes = BatchSizes(config_);
  options.threads = OrAllProcessors(config_.model_threads(), processors_);
  for (const std::filesystem::path& directory : directories) {
    M3L_ASSIGN_OR_RETURN(std::shared_ptr<const Bundle> bundle, LoadBundle(directory, options));
    auto model = std::make_shared<ServedModel>();
    model->bundle = bundle;
    model->reference.set_name(bundle->manifest.name);
    model->reference.set_version(bundle->manifest.version);
    model->reference.set_digest(bundle->digest);
    model->reference.set_notice(bundle->manifest.Notice());
    const BatcherOptions batching = {
        .sizes = options.batch_sizes,
        .max_wait = absl::Milliseconds(config_.batching().max_wait_ms())};
    M3L_ASSIGN_OR_RETURN(model->batcher,
                         SliceBatcher::Create(batching, *bundle->runner, Clock::Real(),
                                              [this](const BatchReport& report) {
                                                metrics_.BatchRun(report.slices, report.filled,
                                                                  report.studies);
                                              }));
    metrics_.ModelLoaded(model->reference.name(), model->reference.version(),
                         model->reference.digest(), bundle->device);
    spdlog::info("model {} version {} on {}: {}", model->reference.name(),
                 model->reference.version(), bundle->device, model->reference.notice());
    models_.Add(std::move(model));
  }
  if (config_.has_default_model()) {
    M3L_RETURN_IF_ERROR(models_.SetDefault(config_.default_model()));
  }
  SetReady(true);
  return absl::OkStatus();
}

void Server::SetReady(bool ready) {
  screening_service_.SetServing(ready);
  metrics_.SetReady(ready);
  grpc_server_->GetHealthCheckService()->SetServingStatus(kReadinessService, ready);
  // The unnamed service is the server as a whole, for those who ask for no name.
  grpc_server_->GetHealthCheckService()->SetServingStatus("", ready);
}

void Server::Stop() {
  if (grpc_server_ == nullptr) return;
  SetReady(false);
  Clock& clock = environment_.clock;
  screening_service_.AwaitIdle(clock.Now() + absl::Seconds(config_.shutdown_grace_seconds()));
  // What is left now is cancelled: studies beyond their grace, and the streams of
  // those who watch the health, which would never end.
  grpc_server_->Shutdown(std::chrono::system_clock::now());
  grpc_server_->Wait();
}

Server::~Server() {
  Stop();
  grpc_server_.reset();
}

}  // namespace m3lung
