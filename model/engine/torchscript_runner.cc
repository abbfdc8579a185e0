// SPDX-License-Identifier: Apache-2.0
#include "model/engine/torchscript_runner.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "c10/core/impl/VirtualGuardImpl.h"
#include "caffe2/serialize/read_adapter_interface.h"
#include "model/engine/convolution_precision.h"
#include "model/engine/cuda_library.h"
#include "model/engine/slice_tensors.h"
#include "torch/csrc/jit/runtime/graph_executor.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

// Lets LibTorch read an archive where it lies in memory.
class MemoryReader final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryReader(absl::string_view bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_.size(); }
  size_t read(uint64_t position, void* to, size_t count, const char*) const override {
    if (position >= bytes_.size()) return 0;
    const size_t here = std::min<size_t>(count, bytes_.size() - position);
    std::memcpy(to, bytes_.data() + position, here);
    return here;
  }

 private:
  const absl::string_view bytes_;
};

// Runs `work`, which returns T, and turns what it throws into INTERNAL.
template <typename T, typename Work>
absl::StatusOr<T> Guarded(absl::string_view what, const Work& work) try {
  const c10::InferenceMode inference;
  // The profiling executor would recompile for each new batch size and number of
  // slices, seconds each, and gains nothing on a frozen graph.
  const torch::jit::GraphOptimizerEnabledGuard no_profiling(false);
  return work();
} catch (const c10::Error& e) {
  return absl::InternalError(absl::StrCat(what, ": ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat(what, ": ", e.what()));
}

torch::jit::Module Load(absl::string_view file, torch::Device device) {
  torch::jit::Module module = torch::jit::load(std::make_shared<MemoryReader>(file), device);
  module.eval();
  return torch::jit::freeze(module);
}

FusedNetwork LoadSliceNet(absl::string_view file, torch::Device device, Precision precision) {
  torch::jit::Module module = Load(file, device);
  SetConvolutionType(module, TypeOf(precision));
  return FusedNetwork(module);
}

torch::jit::Module LoadPatientNet(absl::string_view file, torch::Device device) {
  torch::jit::Module module = Load(file, device);
  return device.is_cpu() ? torch::jit::optimize_for_inference(module) : module;
}

torch::Tensor Air(int slices, int input_size) {
  return torch::full({slices, input_size, input_size}, -1000, torch::kInt16);
}

// How the runner's batches share the CPU, for which the slice network is timed where need be.
absl::StatusOr<CpuShare> Share(const TorchScriptOptions& options, const FusedNetwork& slice_net) {
  if (options.threads_a_batch == 0) return CpuShare{.lanes = 1, .threads = options.threads};
  const int processors = options.threads > 0 ? options.threads : at::get_num_threads();
  if (options.threads_a_batch != kThreadsBySpeed) {
    return DivideProcessors(processors, options.threads_a_batch);
  }
  return Guarded<CpuShare>("slice network", [&] {
    at::set_num_threads(1);
    const torch::Tensor hu = Air(1, options.input_size);
    slice_net.Run(hu);  // The first takes its memory from the system.
    const absl::Time start = Clock::Real().Now();
    slice_net.Run(hu);
    return DivideProcessors(processors, ThreadsForSlice(Clock::Real().Now() - start));
  });
}

absl::Status LoadError(absl::string_view file_name, const absl::Status& reason) {
  return absl::FailedPreconditionError(
      absl::StrCat(file_name, " cannot be loaded: ", reason.message()));
}

}  // namespace

TorchScriptRunner::TorchScriptRunner(const TorchScriptOptions& options, torch::Device device,
                                     std::unique_ptr<DeviceLanes> lanes, FusedNetwork slice_net,
                                     torch::jit::Module patient_net)
    : options_(options),
      device_(device),
      lanes_(std::move(lanes)),
      slice_net_(std::move(slice_net)),
      patient_net_(std::move(patient_net)) {}

absl::StatusOr<std::unique_ptr<TorchScriptRunner>> TorchScriptRunner::Create(
    absl::string_view slice_file, absl::string_view patient_file,
    const TorchScriptOptions& options) {
  M3L_ASSIGN_OR_RETURN(const torch::Device device, OpenDevice(options.device));
  if (options.threads > 0) at::set_num_threads(options.threads);
  auto slice_net = Guarded<FusedNetwork>(
      "slice network", [&] { return LoadSliceNet(slice_file, device, options.precision); });
  if (!slice_net.ok()) return LoadError("slice.ts", slice_net.status());
  auto patient_net = Guarded<torch::jit::Module>(
      "patient network", [&] { return LoadPatientNet(patient_file, device); });
  if (!patient_net.ok()) return LoadError("patient.ts", patient_net.status());
  CpuShare share;
  if (device.is_cpu()) {
    const absl::StatusOr<CpuShare> found = Share(options, *slice_net);
    if (!found.ok()) return LoadError("slice.ts", found.status());
    share = *found;
  }
  M3L_ASSIGN_OR_RETURN(std::unique_ptr<DeviceLanes> lanes, DeviceLanes::Create(device, share));
  return std::unique_ptr<TorchScriptRunner>(new TorchScriptRunner(
      options, device, std::move(lanes), *std::move(slice_net), *std::move(patient_net)));
}

absl::Status TorchScriptRunner::Fuse(absl::Span<const int> batch_sizes) {
  if (!device_.is_cpu()) return absl::OkStatus();
  const absl::StatusOr<bool> fused = Guarded<bool>("fusing the slice network", [&] {
    const DeviceLanes::Use lane(*lanes_);  // compiled for its threads
    for (const int batch_size : batch_sizes) slice_net_.Fuse(Air(batch_size, options_.input_size));
    return true;
  });
  if (!fused.ok()) Unfuse();
  return fused.status();
}

absl::StatusOr<std::vector<SliceScores>> TorchScriptRunner::ScoreSlices(
    absl::Span<const int16_t* const> slices) {
  using Scores = std::vector<SliceScores>;
  if (slices.empty()) return Scores();
  return Guarded<Scores>("slice network", [&]() -> absl::StatusOr<Scores> {
    // Held until the scores are on the CPU, for which ScoresFrom() waits.
    const DeviceLanes::Use lane(*lanes_);
    const torch::Tensor hu = SliceTensor(slices, options_.input_size, device_.is_cuda());
    const torch::IValue output = slice_net_.Run(hu.to(device_, /*non_blocking=*/true));
    std::vector<torch::Tensor> parts;
    for (const torch::IValue& part : output.toTupleRef().elements()) {
      parts.push_back(part.toTensor());
    }
    return ScoresFrom(parts, hu.size(0), options_.feature_size);
  });
}

absl::StatusOr<ClassProbabilities> TorchScriptRunner::AssessPatient(
    absl::Span<const std::vector<float>* const> features) {
  if (features.empty()) {
    return absl::InvalidArgumentError("patient network: needs the features of at least one slice");
  }
  const size_t size = options_.feature_size;
  for (const std::vector<float>* slice : features) {
    if (slice->size() != size) {
      return absl::InvalidArgumentError(absl::StrCat("patient network: a slice has ", slice->size(),
                                                     " features; expected ", size));
    }
  }
  return Guarded<ClassProbabilities>(
      "patient network", [&]() -> absl::StatusOr<ClassProbabilities> {
        const int64_t count = static_cast<int64_t>(features.size());
        torch::Tensor input = torch::empty({count, options_.feature_size}, torch::kFloat32);
        for (int64_t i = 0; i < count; ++i) {
          std::copy_n(features[i]->data(), size, input.mutable_data_ptr<float>() + i * size);
        }
        torch::IValue output;
        {
          absl::MutexLock lock(&patient_mu_);
          output = patient_net_.forward({input.to(device_)});
        }
        M3L_ASSIGN_OR_RETURN(const auto probabilities,
                             CheckedOutput("patient probabilities", output.toTensor(), {kClasses}));
        return ToProbabilities(probabilities.const_data_ptr<float>());
      });
}

absl::Status TorchScriptRunner::CheckDevice() try {
  if (device_.is_cpu()) return absl::OkStatus();
  const c10::impl::VirtualGuardImpl runtime(device_.type());
  runtime.synchronizeDevice(device_.index());
  return absl::OkStatus();
} catch (const std::exception&) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device_.str(), " can no longer compute"));
}

}  // namespace m3lung
