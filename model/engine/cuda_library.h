// SPDX-License-Identifier: Apache-2.0
// CUDA opened at run time, so that one binary serves machines with and without
// it (docs/adr/0002-libtorch.md says why it is not linked).
#ifndef M3LUNG_MODEL_ENGINE_CUDA_LIBRARY_H_
#define M3LUNG_MODEL_ENGINE_CUDA_LIBRARY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/types.h"

namespace m3lung {

// Opens LibTorch's CUDA library once for the process. Must come before anything
// asks LibTorch about CUDA: it looks once, and keeps the answer. UNAVAILABLE
// where the library or a device is missing.
//
// Thread safety: may be called from any thread.
absl::Status OpenCudaLibrary();

// "cpu", "cuda" or "cuda:N"; opens CUDA where it is asked for. INVALID_ARGUMENT
// for any other text; UNAVAILABLE where that device is not there.
absl::StatusOr<torch::Device> OpenDevice(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_CUDA_LIBRARY_H_
