// SPDX-License-Identifier: Apache-2.0
// The InferenceRunner that runs TorchScript.
#ifndef M3LUNG_MODEL_ENGINE_TORCHSCRIPT_RUNNER_H_
#define M3LUNG_MODEL_ENGINE_TORCHSCRIPT_RUNNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "model/bundle/precision.h"
#include "model/engine/device_lanes.h"
#include "model/engine/fused_network.h"
#include "model/engine/inference.h"
#include "torch/script.h"

namespace m3lung {

struct TorchScriptOptions {
  int input_size = 0;    // pixels
  int feature_size = 0;  // D
  std::string device = "cpu";
  int threads = 0;                         // as LoadOptions (bundle.h)
  int threads_a_batch = 0;                 // likewise
  Precision precision = Precision::kFp32;  // of the slice network's convolutions
};

// Thread safety: as InferenceRunner; as many batches of slices as there are lanes run at once,
// one patient beside them.
class TorchScriptRunner final : public InferenceRunner {
 public:
  // From the bytes of slice.ts and patient.ts, which are not needed afterwards.
  // Frozen, with the slice network's convolutions in `options.precision`. INVALID_ARGUMENT or
  // UNAVAILABLE for the device, FAILED_PRECONDITION where a file is no
  // TorchScript of ours.
  static absl::StatusOr<std::unique_ptr<TorchScriptRunner>> Create(
      absl::string_view slice_file, absl::string_view patient_file,
      const TorchScriptOptions& options);

  int lanes() const override { return lanes_->count(); }
  int input_size() const override { return options_.input_size; }
  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override;
  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override;

  absl::Status CheckDevice() override;

  // For what else computes in the place of its slice network.
  DeviceLanes& device_lanes() { return *lanes_; }

  // Compiles the slice network's convolutions for batches of these sizes (fused_network.h), on
  // the CPU alone. INTERNAL, with nothing compiled, where LibTorch fails. Not beside another call.
  absl::Status Fuse(absl::Span<const int> batch_sizes);
  void Unfuse() { slice_net_.Unfuse(); }

 private:
  TorchScriptRunner(const TorchScriptOptions& options, torch::Device device,
                    std::unique_ptr<DeviceLanes> lanes, FusedNetwork slice_net,
                    torch::jit::Module patient_net);

  const TorchScriptOptions options_;
  const torch::Device device_;

  const std::unique_ptr<DeviceLanes> lanes_;
  FusedNetwork slice_net_;  // changed by Fuse() and Unfuse() alone
  absl::Mutex patient_mu_;
  torch::jit::Module patient_net_ ABSL_GUARDED_BY(patient_mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_TORCHSCRIPT_RUNNER_H_
