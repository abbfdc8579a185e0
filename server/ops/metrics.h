// SPDX-License-Identifier: Apache-2.0
// The catalogue of everything that the server counts and times.
#ifndef M3LUNG_SERVER_OPS_METRICS_H_
#define M3LUNG_SERVER_OPS_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace m3lung {

// The parts of a study's way that are timed apart.
enum class Stage { kDecode, kCrop, kAssemble, kQueue, kSliceModel, kPatientModel };

// One typed call for each event. Names and labels are a contract with the
// operators' dashboards: tests/server/ops/metrics_test.cc lists them. Labels take
// only values that the code knows, never anything from a request.
//
// Thread safety: all methods may be called from any thread.
class ServerMetrics {
 public:
  ServerMetrics();

  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

  // `took`: from its header to its answer.
  void StudyAnswered(absl::string_view verdict, absl::Duration took);
  // Refused, cancelled or failed; `code` is the gRPC status code's name. How long that took says
  // nothing of how long answers take, and is not kept.
  void StudyFailed(absl::string_view code);
  void StudyOpened();
  void StudyClosed();
  void FirstResult(absl::Duration since_header);
  // `outcome`: "USED" or the skip reason.
  void InstanceEnded(absl::string_view outcome);
  void BytesReceived(double bytes);
  void SliceScored(absl::string_view label);
  void StageTook(Stage stage, absl::Duration duration);
  void BatchRun(int slices, int filled, int studies);
  // A slice was scored when its study had ended.
  void SliceInVain();
  // Bytes of studies: held or set aside, and the most there may be.
  void SetStudyBytes(int64_t taken);
  void SetStudyBytesBudget(int64_t bytes);
  void SetReady(bool ready);
  struct Model {
    std::string name, version, digest, device;
  };
  // The models that are loaded now.
  void SetModels(const std::vector<Model>& models);
  // A reload of the models ended.
  void ModelsReloaded(bool succeeded);
  // For unary calls; `code` is the gRPC status code's name.
  void CallEnded(absl::string_view method, absl::string_view code, absl::Duration duration);

 private:
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Counter>& studies_;
  prometheus::Histogram& study_seconds_;
  prometheus::Histogram& first_result_seconds_;
  prometheus::Gauge& open_studies_;
  prometheus::Family<prometheus::Counter>& instances_;
  prometheus::Counter& received_bytes_;
  prometheus::Family<prometheus::Counter>& slices_;
  prometheus::Family<prometheus::Histogram>& stage_seconds_;
  prometheus::Histogram& batch_slices_;
  prometheus::Histogram& batch_studies_;
  prometheus::Counter& filled_slices_;
  prometheus::Counter& slices_in_vain_;
  prometheus::Gauge& study_bytes_;
  prometheus::Gauge& study_bytes_budget_;
  prometheus::Gauge& ready_;
  prometheus::Family<prometheus::Gauge>& models_;
  absl::Mutex models_mu_;
  std::vector<prometheus::Gauge*> model_gauges_ ABSL_GUARDED_BY(models_mu_);
  prometheus::Family<prometheus::Counter>& reloads_;
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Family<prometheus::Histogram>& call_seconds_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_METRICS_H_
