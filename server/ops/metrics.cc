// SPDX-License-Identifier: Apache-2.0
#include "server/ops/metrics.h"

#include <map>

namespace m3lung {
namespace {

using ::prometheus::BuildCounter;
using ::prometheus::BuildGauge;
using ::prometheus::BuildHistogram;
using Buckets = ::prometheus::Histogram::BucketBoundaries;

// Histograms, since they can be added up over replicas.
const Buckets kStageSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                               0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const Buckets kStudySeconds = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800};
const Buckets kCounts = {1, 2, 4, 8, 16, 32, 64, 128, 256};

std::string StageName(Stage stage) {
  switch (stage) {
    case Stage::kDecode:
      return "decode";
    case Stage::kCrop:
      return "crop";
    case Stage::kAssemble:
      return "assemble";
    case Stage::kQueue:
      return "queue";
    case Stage::kSliceModel:
      return "slice_model";
    case Stage::kPatientModel:
      return "patient_model";
  }
  return "unknown";
}

}  // namespace

ServerMetrics::ServerMetrics()
    : studies_(BuildCounter()
                   .Name("m3lung_studies_total")
                   .Help("Studies ended, by verdict or status code")
                   .Register(*registry_)),
      study_seconds_(
          BuildHistogram()
              .Name("m3lung_study_duration_seconds")
              .Help("From a study's header to its answer; studies without one do not count")
              .Register(*registry_)
              .Add({}, kStudySeconds)),
      first_result_seconds_(BuildHistogram()
                                .Name("m3lung_first_result_seconds")
                                .Help("From a study's header to its first slice result")
                                .Register(*registry_)
                                .Add({}, kStudySeconds)),
      open_studies_(BuildGauge()
                        .Name("m3lung_open_studies")
                        .Help("Studies whose stream is open")
                        .Register(*registry_)
                        .Add({})),
      instances_(BuildCounter()
                     .Name("m3lung_instances_total")
                     .Help("Instances received, by USED or the reason for skipping")
                     .Register(*registry_)),
      received_bytes_(BuildCounter()
                          .Name("m3lung_received_bytes_total")
                          .Help("Encoded bytes of the instances received")
                          .Register(*registry_)
                          .Add({})),
      slices_(BuildCounter()
                  .Name("m3lung_slices_scored_total")
                  .Help("Slices scored, by label")
                  .Register(*registry_)),
      stage_seconds_(
          BuildHistogram()
              .Name("m3lung_stage_duration_seconds")
              .Help("Time of one slice (or one study: assemble, patient_model) in each stage")
              .Register(*registry_)),
      batch_slices_(BuildHistogram()
                        .Name("m3lung_batch_slices")
                        .Help("Slices in a batch, copies that fill it up not counted")
                        .Register(*registry_)
                        .Add({}, kCounts)),
      batch_studies_(BuildHistogram()
                         .Name("m3lung_batch_studies")
                         .Help("Studies that share a batch")
                         .Register(*registry_)
                         .Add({}, kCounts)),
      filled_slices_(BuildCounter()
                         .Name("m3lung_batch_filled_slices_total")
                         .Help("Copies that filled batches up to the next size")
                         .Register(*registry_)
                         .Add({})),
      slices_in_vain_(BuildCounter()
                          .Name("m3lung_slices_in_vain_total")
                          .Help("Slices scored for a study that had ended meanwhile")
                          .Register(*registry_)
                          .Add({})),
      study_bytes_(BuildGauge()
                       .Name("m3lung_study_bytes")
                       .Help("Bytes of studies that are held or set aside")
                       .Register(*registry_)
                       .Add({})),
      study_bytes_budget_(BuildGauge()
                              .Name("m3lung_study_bytes_budget")
                              .Help("The most that m3lung_study_bytes may be")
                              .Register(*registry_)
                              .Add({})),
      ready_(BuildGauge()
                 .Name("m3lung_ready")
                 .Help("1 while the server takes studies")
                 .Register(*registry_)
                 .Add({})),
      models_(BuildGauge()
                  .Name("m3lung_model_info")
                  .Help("1 for each model loaded")
                  .Register(*registry_)),
      reloads_(BuildCounter()
                   .Name("m3lung_model_reloads_total")
                   .Help("Reloads of the models, by outcome: ok or failed")
                   .Register(*registry_)),
      calls_(BuildCounter()
                 .Name("m3lung_calls_total")
                 .Help("Unary calls ended, by method and status code")
                 .Register(*registry_)),
      call_seconds_(BuildHistogram()
                        .Name("m3lung_call_duration_seconds")
                        .Help("Time of unary calls, every outcome")
                        .Register(*registry_)) {}

void ServerMetrics::StudyAnswered(absl::string_view verdict, absl::Duration took) {
  studies_.Add({{"outcome", std::string(verdict)}}).Increment();
  study_seconds_.Observe(absl::ToDoubleSeconds(took));
}

void ServerMetrics::StudyFailed(absl::string_view code) {
  studies_.Add({{"outcome", std::string(code)}}).Increment();
}

void ServerMetrics::StudyOpened() { open_studies_.Increment(); }
void ServerMetrics::StudyClosed() { open_studies_.Decrement(); }

void ServerMetrics::FirstResult(absl::Duration since_header) {
  first_result_seconds_.Observe(absl::ToDoubleSeconds(since_header));
}

void ServerMetrics::InstanceEnded(absl::string_view outcome) {
  instances_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void ServerMetrics::BytesReceived(double bytes) { received_bytes_.Increment(bytes); }

void ServerMetrics::SliceScored(absl::string_view label) {
  slices_.Add({{"label", std::string(label)}}).Increment();
}

void ServerMetrics::StageTook(Stage stage, absl::Duration duration) {
  stage_seconds_.Add({{"stage", StageName(stage)}}, kStageSeconds)
      .Observe(absl::ToDoubleSeconds(duration));
}

void ServerMetrics::BatchRun(int slices, int filled, int studies) {
  batch_slices_.Observe(slices);
  batch_studies_.Observe(studies);
  filled_slices_.Increment(filled);
}

void ServerMetrics::SliceInVain() { slices_in_vain_.Increment(); }

void ServerMetrics::SetStudyBytes(int64_t taken) { study_bytes_.Set(static_cast<double>(taken)); }
void ServerMetrics::SetStudyBytesBudget(int64_t bytes) {
  study_bytes_budget_.Set(static_cast<double>(bytes));
}

void ServerMetrics::SetReady(bool ready) { ready_.Set(ready ? 1 : 0); }

void ServerMetrics::SetModels(const std::vector<Model>& models) {
  absl::MutexLock lock(&models_mu_);
  for (prometheus::Gauge* gauge : model_gauges_) models_.Remove(gauge);
  model_gauges_.clear();
  for (const Model& model : models) {
    model_gauges_.push_back(&models_.Add({{"name", model.name},
                                          {"version", model.version},
                                          {"digest", model.digest},
                                          {"device", model.device}}));
    model_gauges_.back()->Set(1);
  }
}

void ServerMetrics::ModelsReloaded(bool succeeded) {
  reloads_.Add({{"outcome", succeeded ? "ok" : "failed"}}).Increment();
}

void ServerMetrics::CallEnded(absl::string_view method, absl::string_view code,
                              absl::Duration duration) {
  const std::string name(method);
  calls_.Add({{"method", name}, {"code", std::string(code)}}).Increment();
  call_seconds_.Add({{"method", name}}, kStageSeconds).Observe(absl::ToDoubleSeconds(duration));
}

}  // namespace m3lung
