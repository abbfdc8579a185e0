// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/allocator.h"
#include "base/files.h"
#include "base/machine.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"
#include "model/bundle/bundle.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/find_bundles.h"
#include "model/bundle/precision.h"
#include "model/engine/batch_threads.h"
#include "opencv2/core/utility.hpp"
#include "server/call_error.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

// Of what a message holds beside its pixels.
constexpr int64_t kMessageExtraBytes = 1 << 20;
constexpr int64_t kLeastMessageBytes = 16 << 20;
constexpr int64_t kMostMessageBytes = 128 << 20;
// For clients to take in that their study has ended, when the server stops.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// A client that has vanished without a word is asked whether it is there.
constexpr int kKeepaliveMilliseconds = 30000;
constexpr int kKeepaliveTimeoutMilliseconds = 20000;
// Clients may ask the same as often as once a second, also while nothing is sent and no call is
// open. gRPC's own limit, five minutes, breaks the connection of one that pings every ten seconds
// in an upload's pause. Less than the second, since what leaves evenly does not arrive so.
constexpr int kLeastPingMilliseconds = 500;

int OrAllProcessors(int configured, int processors) {
  return configured > 0 ? configured : processors;
}

std::vector<int> BatchSizes(const server::ServerConfig& config) {
  if (config.batching().sizes().empty()) {
    return config.device() == "cpu" ? std::vector{1} : std::vector{1, 4};
  }
  return {config.batching().sizes().begin(), config.batching().sizes().end()};
}

// Of one message from a client: an image of the largest side allowed, in a HuSlice or in a file as
// AnalyzeSlice takes it, up to a bound, since gRPC holds a message before anybody can refuse it.
// Whole studies come in chunks.
int MaxMessageBytes(const server::Limits& limits) {
  const int64_t pixels = int64_t{limits.image_side()} * limits.image_side();
  return static_cast<int>(std::clamp(pixels * int64_t{sizeof(int16_t)} + kMessageExtraBytes,
                                     kLeastMessageBytes, kMostMessageBytes));
}

std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

Server::Server(const server::ServerConfig& config, std::function<void()> on_failure,
               BundleLoader load)
    : config_(config),
      on_failure_(std::move(on_failure)),
      load_(std::move(load)),
      processors_(UsableProcessors()),
      budget_(
          config.limits().total_bytes() > 0 ? config.limits().total_bytes() : UsableMemory() / 2,
          [limit = UsableMemory()](int64_t more) { ReleaseFreeMemoryNear(limit, more); }),
      admission_(config_.limits(), budget_),
      pool_(OrAllProcessors(config.decode_threads(), processors_)),
      // Answers take less of a processor than decoding, and share it with that.
      answering_(OrAllProcessors(config.decode_threads(), processors_)),
      environment_{.models = models_,
                   .pool = pool_,
                   .answering = answering_,
                   .metrics = metrics_,
                   .clock = Clock::Real(),
                   .limits = config.limits(),
                   .admission = admission_,
                   .device_failed = [this](const absl::Status& reason) { OnDeviceFailed(reason); }},
      screening_service_(environment_),
      model_service_(models_, metrics_, Clock::Real()) {
  // The decode pool spreads slices over the processors; threads of OpenCV's own
  // within each would only get in its way.
  cv::setNumThreads(1);
  metrics_.SetStudyBytesBudget(budget_.bytes());
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const server::ServerConfig& config,
                                                      std::function<void()> on_failure,
                                                      BundleLoader load) {
  std::unique_ptr<Server> server(new Server(config, std::move(on_failure), std::move(load)));
  M3L_RETURN_IF_ERROR(server->Listen());
  return server;
}

absl::Status Server::Listen() {
  auto endpoint = MetricsEndpoint::Listen(config_.metrics_listen(), metrics_.registry());
  if (!endpoint.ok()) {
    return absl::UnavailableError(absl::StrCat("metrics_listen: ", endpoint.status().message()));
  }
  metrics_endpoint_ = *std::move(endpoint);
  metrics_address_ = WithPort(config_.metrics_listen(), metrics_endpoint_->port());

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  // Two servers must not share a port unnoticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLeastPingMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddListeningPort(config_.listen(), grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(MaxMessageBytes(config_.limits()));
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

// What a sick device or a network throws refuses the model, and ends no server.
absl::StatusOr<std::shared_ptr<ServedModel>> Server::LoadModel(
    const std::filesystem::path& directory, const std::stop_token& stop) try {
  spdlog::info("loading {}", directory.string());
  LoadOptions options;
  options.stop = stop;
  options.batch_sizes = BatchSizes(config_);
  options.threads = processors_;
  options.threads_per_batch =
      config_.model_threads() > 0 ? config_.model_threads() : kThreadsBySpeed;
  M3L_ASSIGN_OR_RETURN(options.precision, ParsePrecisionOrAuto(config_.precision()));
  options.compiled = config_.compiled_networks();
  std::vector<std::shared_ptr<const Bundle>> bundles;  // one a device
  std::vector<InferenceRunner*> runners;
  for (const absl::string_view device : absl::StrSplit(config_.device(), ',')) {
    options.device = std::string(device);
    M3L_ASSIGN_OR_RETURN(bundles.emplace_back(), load_(directory, options));
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
} catch (const std::exception& e) {
  return absl::UnavailableError(absl::StrCat(directory.string(), " cannot be loaded: ", e.what()));
}

absl::Status Server::ReplaceModels(const std::stop_token& stop) {
  M3L_ASSIGN_OR_RETURN(const FoundBundles found, FindBundles(config_.models()));
  if (!found.passed_over.empty()) {
    spdlog::warn("passed over in the folder of models: {}", absl::StrJoin(found.passed_over, ", "));
  }
  std::vector<std::shared_ptr<ServedModel>> models;
  for (const std::filesystem::path& directory : found.folders) {
    // One that is there already goes on.
    std::shared_ptr<ServedModel> model;
    if (const auto manifest = ReadFile(directory / kManifestFile); manifest.ok()) {
      model = models_.FindDigest(Sha256Hex(*manifest));
    }
    if (model == nullptr) {
      M3L_ASSIGN_OR_RETURN(model, LoadModel(directory, stop));
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

absl::Status Server::LoadModels(const std::stop_token& stop) {
  M3L_RETURN_IF_ERROR(ReplaceModels(stop));
  ReleaseFreeMemory();  // of loading and warming up
  return absl::OkStatus();
}

absl::Status Server::ReloadModels(const std::stop_token& stop) {
  const absl::Status status = ReplaceModels(stop);
  metrics_.ModelsReloaded(status.ok());
  return status;
}

void Server::EndUnusedModels() {
  if (models_.EndUnused()) ReleaseFreeMemory();
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
  screening_service_.EndAll(
      CallError(absl::UnavailableError("the device that runs the networks has "
                                       "failed; try another server"),
                v1::DEVICE_FAILED));
  on_failure_();
}

void Server::EndStudies() {
  screening_service_.EndAll(CallError(
      absl::UnavailableError("the server is stopping; try another server"), v1::NOT_READY));
}

void Server::Stop() {
  if (grpc_server_ == nullptr) return;
  SetReady(false);
  Clock& clock = environment_.clock;
  if (!admission_.AwaitIdle(clock, clock.Now() + absl::Seconds(config_.shutdown_grace_seconds()))) {
    EndStudies();
    admission_.AwaitIdle(clock, clock.Now() + kLastWords);
  }
  // What is left now is cancelled, and with it the streams of those who watch the
  // health, which would never end.
  grpc_server_->Shutdown(std::chrono::system_clock::now());
  grpc_server_->Wait();
  // Batches and work of calls that have ended still come back, to what dies after this.
  models_.Stop();
  answering_.Stop();
  pool_.Stop();
}

Server::~Server() {
  Stop();
  grpc_server_.reset();
}

}  // namespace m3lung
