// SPDX-License-Identifier: Apache-2.0
// The patient network of a bundle, as TorchScript.
#ifndef M3LUNG_MODEL_ENGINE_PATIENT_NETWORK_H_
#define M3LUNG_MODEL_ENGINE_PATIENT_NETWORK_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "model/engine/inference.h"
#include "torch/script.h"

namespace m3lung {

// Thread safety: one patient at a time, from any thread.
class PatientNetwork {
 public:
  // From the bytes of patient.ts, which are not needed afterwards; `feature_size`: of one slice.
  // Errors are LibTorch's exceptions.
  PatientNetwork(absl::string_view file, torch::Device device, int feature_size);

  // As InferenceRunner::AssessPatient(). INVALID_ARGUMENT for features of another size, or none.
  absl::StatusOr<ClassProbabilities> Assess(absl::Span<const std::vector<float>* const> features);

 private:
  const torch::Device device_;
  const int feature_size_;
  absl::Mutex mu_;
  torch::jit::Module network_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_PATIENT_NETWORK_H_
