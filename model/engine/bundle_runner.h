// SPDX-License-Identifier: Apache-2.0
// The InferenceRunner of a bundle: a slice engine, the patient network, and the batches of slices
// that run side by side.
#ifndef M3LUNG_MODEL_ENGINE_BUNDLE_RUNNER_H_
#define M3LUNG_MODEL_ENGINE_BUNDLE_RUNNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/bundle/precision.h"
#include "model/engine/concurrent_batches.h"
#include "model/engine/inference.h"
#include "model/engine/patient_network.h"
#include "model/engine/slice_engine.h"
#include "torch/types.h"

namespace m3lung {

struct RunnerOptions {
  int input_size = 0;    // pixels
  int feature_size = 0;  // D
  std::string device = "cpu";
  int threads = 0;                         // as LoadOptions (bundle.h)
  int threads_per_batch = 0;               // likewise
  Precision precision = Precision::kFp32;  // of the slice network's convolutions
};

// Thread safety: as InferenceRunner; concurrent_batches() batches of slices run at once, one
// patient beside them.
class BundleRunner final : public InferenceRunner {
 public:
  // Runs TorchScript, from the bytes of slice.ts and patient.ts, which are not needed afterwards.
  // INVALID_ARGUMENT or UNAVAILABLE for the device, FAILED_PRECONDITION where a file is no
  // TorchScript of ours.
  static absl::StatusOr<std::unique_ptr<BundleRunner>> Create(absl::string_view slice_file,
                                                              absl::string_view patient_file,
                                                              const RunnerOptions& options);

  // A runner that computes slices by `engine`, and shares all else with this one, which stays as it
  // is: both together run as many batches at once as each alone.
  std::unique_ptr<BundleRunner> With(std::shared_ptr<const SliceEngine> engine) const;

  // One whose engine is this one's, fused for batches of these sizes. INTERNAL where LibTorch
  // fails; FAILED_PRECONDITION where the engine has nothing to fuse.
  absl::StatusOr<std::unique_ptr<BundleRunner>> Fused(absl::Span<const int> batch_sizes) const;

  const SliceEngine& engine() const { return *engine_; }

  int concurrent_batches() const override { return batches_->count(); }
  int input_size() const override { return options_.input_size; }
  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override;
  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override {
    return patient_network_->Assess(features);
  }
  absl::Status CheckDevice() override;

 private:
  BundleRunner(const RunnerOptions& options, torch::Device device,
               std::shared_ptr<const SliceEngine> engine,
               std::shared_ptr<PatientNetwork> patient_network,
               std::shared_ptr<ConcurrentBatches> batches);

  const RunnerOptions options_;
  const torch::Device device_;
  const std::shared_ptr<const SliceEngine> engine_;
  const std::shared_ptr<PatientNetwork> patient_network_;
  const std::shared_ptr<ConcurrentBatches> batches_;
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_BUNDLE_RUNNER_H_
