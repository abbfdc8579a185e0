// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <chrono>
#include <exception>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/freed_memory.h"
#include "base/machine.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"
#include "model/bundle.h"
#include "model/bundle_files.h"
#include "model/cpu_share.h"
#include "opencv2/core/utility.hpp"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

// Of one message, either way. Whole studies come in chunks.
constexpr int kMaxMessageBytes = 16 << 20;
// For clients to take in that their study has ended, when the server stops.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// A client that has vanished without a word is asked whether it is there.
constexpr int kKeepaliveMilliseconds = 30000;
constexpr int kKeepaliveTimeoutMilliseconds = 20000;

int OrAllProcessors(int configured, int processors) {
  return configured > 0 ? configured : processors;
}

std::vector<int> BatchSizes(const server::ServerConfig& config) {
  if (config.batching().sizes().empty()) {
    return config.device() == "cpu" ? std::vector{1} : std::vector{1, 4};
  }
  return {config.batching().sizes().begin(), config.batching().sizes().end()};
}

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

Server::Server(const server::ServerConfig& config, std::function<void()> on_failure)
    : config_(config),
      on_failure_(std::move(on_failure)),
      processors_(UsableProcessors()),
      budget_(config.limits().total_bytes() > 0 ? config.limits().total_bytes()
                                                : UsableMemory() / 2),
      admission_(config_.limits(), budget_),
      pool_(OrAllProcessors(config.decode_threads(), processors_)),
      environment_{models_,         pool_,
                   metrics_,        Clock::Real(),
                   config.limits(), admission_,
                   AssembleStudy,   [this](const absl::Status& reason) { OnDeviceFailed(reason); }},
      screening_service_(environment_),
      model_service_(models_, metrics_, Clock::Real()) {
  // The decode pool spreads slices over the processors; threads of OpenCV's own
  // within each would only get in its way.
  cv::setNumThreads(1);
  metrics_.SetStudyBytesBudget(budget_.bytes());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const server::ServerConfig& config,
                                                      std::function<void()> on_failure) {
  std::unique_ptr<Server> server(new Server(config, std::move(on_failure)));
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
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
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

absl::StatusOr<std::shared_ptr<ServedModel>> Server::LoadModel(
    const std::filesystem::path& directory) {
  LoadOptions options;
  options.batch_sizes = BatchSizes(config_);
  options.threads = processors_;
  options.threads_a_batch = config_.model_threads() > 0 ? config_.model_threads() : kThreadsBySpeed;
  options.precision = config_.precision();
  options.compiled = config_.compiled_networks();
  std::vector<std::shared_ptr<const Bundle>> bundles;  // one a device
  std::vector<InferenceRunner*> runners;
  for (const absl::string_view device : absl::StrSplit(config_.device(), ',')) {
    options.device = std::string(device);
    M3L_ASSIGN_OR_RETURN(bundles.emplace_back(), LoadBundle(directory, options));
    runners.push_back(bundles.back()->runner.get());
  }
  const std::shared_ptr<const Bundle> bundle = bundles.front();
  auto model = std::make_shared<ServedModel>();
  model->bundle = bundle;
  model->copies.assign(bundles.begin() + 1, bundles.end());
  model->reference.set_name(bundle->manifest.name);
  model->reference.set_version(bundle->manifest.version);
  model->reference.set_digest(bundle->digest);
  model->reference.set_notice(bundle->manifest.Notice());
  BatcherOptions batching = {.sizes = {},
                             .max_wait = absl::Milliseconds(config_.batching().max_wait_ms()),
                             .urgent_in_a_row = config_.batching().urgent_in_a_row()};
  for (size_t i = 0; i < options.batch_sizes.size(); ++i) {
    batching.sizes.push_back({options.batch_sizes[i], bundle->batch_durations[i]});
  }
  BatcherEvents events;
  events.batch_run = [this](const BatchReport& report) {
    metrics_.BatchRun(report.slices, report.filled, report.studies);
  };
  events.device_failed = [this](const absl::Status& reason) { OnDeviceFailed(reason); };
  M3L_ASSIGN_OR_RETURN(model->batcher, SliceBatcher::Create(std::move(batching), runners,
                                                            Clock::Real(), std::move(events)));
  const v1::Model described = DescribeModel(*model, /*is_default=*/false);
  spdlog::info("model {} version {} on {} by {}, batches at once {}: {}", model->reference.name(),
               model->reference.version(), described.device(), described.runs_on(),
               described.batches_at_once(), model->reference.notice());
  if (!bundle->remark.empty()) {
    spdlog::warn("model {} version {}: {}", model->reference.name(), model->reference.version(),
                 bundle->remark);
  }
  return model;
}

absl::Status Server::ReplaceModels() {
  M3L_ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> directories,
                       FindBundles(config_.models()));
  std::vector<std::shared_ptr<ServedModel>> models;
  for (const std::filesystem::path& directory : directories) {
    // One that is there already goes on.
    std::shared_ptr<ServedModel> model;
    if (const auto manifest = ReadFile(directory / kManifestFile); manifest.ok()) {
      model = models_.FindDigest(Sha256Hex(*manifest));
    }
    if (model == nullptr) {
      M3L_ASSIGN_OR_RETURN(model, LoadModel(directory));
    }
    models.push_back(std::move(model));
  }
  M3L_RETURN_IF_ERROR(models_.Replace(models, config_.default_model()));
  std::vector<ServerMetrics::Model> described;
  described.reserve(models.size());
  for (const auto& model : models) {
    described.push_back({model->reference.name(), model->reference.version(),
                         model->reference.digest(), config_.device()});
  }
  metrics_.SetModels(described);
  return absl::OkStatus();
}

absl::Status Server::LoadModels() {
  M3L_RETURN_IF_ERROR(ReplaceModels());
  GiveBackFreedMemory();  // of loading and warming up
  SetReady(true);
  return absl::OkStatus();
}

absl::Status Server::ReloadModels() {
  const absl::Status status = ReplaceModels();
  metrics_.ModelsReloaded(status.ok());
  return status;
}

void Server::EndUnusedModels() {
  if (models_.EndUnused()) GiveBackFreedMemory();
}

void Server::SetReady(bool ready) {
  admission_.SetServing(ready);
  metrics_.SetReady(ready);
  grpc_server_->GetHealthCheckService()->SetServingStatus(kReadinessService, ready);
  // The unnamed service is the server as a whole, for those who ask for no name.
  grpc_server_->GetHealthCheckService()->SetServingStatus("", ready);
}

void Server::OnDeviceFailed(const absl::Status& reason) {
  spdlog::critical("{}", std::string(reason.message()));
  SetReady(false);
  // Called on the batch thread, or with a session's work: not from within a session.
  screening_service_.EndAll({absl::UnavailableError("the device that runs the networks has "
                                                    "failed; try another server"),
                             v1::DEVICE_FAILED});
  on_failure_();
}

void Server::Stop() {
  if (grpc_server_ == nullptr) return;
  SetReady(false);
  Clock& clock = environment_.clock;
  if (!admission_.AwaitIdle(clock, clock.Now() + absl::Seconds(config_.shutdown_grace_seconds()))) {
    screening_service_.EndAll(
        {absl::UnavailableError("the server is stopping; try another server"), v1::NOT_READY});
    admission_.AwaitIdle(clock, clock.Now() + kLastWords);
  }
  // What is left now is cancelled, and with it the streams of those who watch the
  // health, which would never end.
  grpc_server_->Shutdown(std::chrono::system_clock::now());
  grpc_server_->Wait();
}

Server::~Server() {
  Stop();
  grpc_server_.reset();
}

}  // namespace m3lung
