// SPDX-License-Identifier: Apache-2.0
#include "model/engine/cuda_library.h"

#include <dlfcn.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "torch/cuda.h"

namespace m3lung {
namespace {

absl::Status Open() {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("this installation has no CUDA (", dlerror(),
                     "); install LibTorch's CUDA set, or use device cpu"));
  }
  if (!torch::cuda::is_available()) {
    return absl::UnavailableError(
        "no CUDA device is usable; check the driver and the devices given to this process, or use "
        "device cpu");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status OpenCudaLibrary() {
  static const absl::Status* const status = new absl::Status(Open());
  return *status;
}

absl::StatusOr<torch::Device> OpenDevice(absl::string_view name) {
  if (name == "cpu") return torch::Device(torch::kCPU);
  absl::string_view rest = name;
  int index = 0;
  const bool known =
      absl::ConsumePrefix(&rest, "cuda") &&
      (rest.empty() || (absl::ConsumePrefix(&rest, ":") && absl::SimpleAtoi(rest, &index) &&
                        index >= 0 && index < 128));
  if (!known) {
    return absl::InvalidArgumentError(
        absl::StrCat("device must be cpu, cuda or cuda:N; was \"", name, "\""));
  }
  if (absl::Status status = OpenCudaLibrary(); !status.ok()) return status;
  const int devices = static_cast<unsigned char>(torch::cuda::device_count());
  if (index >= devices) {
    return absl::UnavailableError(
        absl::StrCat("there is no device cuda:", index, "; CUDA devices here: ", devices));
  }
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace m3lung
