// SPDX-License-Identifier: Apache-2.0
#include "model/engine/bundle_runner.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "c10/core/impl/VirtualGuardImpl.h"
#include "model/engine/cuda_library.h"
#include "model/engine/guarded.h"
#include "model/engine/slice_tensors.h"
#include "model/engine/torchscript_engine.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

torch::Tensor Air(int slices, int input_size) {
  return torch::full({slices, input_size, input_size}, -1000, torch::kInt16);
}

// How the runner's batches share the CPU, for which the slice network is timed where need be.
absl::StatusOr<BatchThreads> ShareCpu(const RunnerOptions& options, const SliceEngine& engine) {
  if (options.threads_per_batch == 0) return BatchThreads{.batches = 1, .threads = options.threads};
  const int processors = options.threads > 0 ? options.threads : at::get_num_threads();
  if (options.threads_per_batch != kThreadsBySpeed) {
    return DivideProcessors(processors, options.threads_per_batch);
  }
  return Guarded<BatchThreads>("slice network", [&] {
    at::set_num_threads(1);
    const torch::Tensor hu = Air(1, options.input_size);
    engine.Run(hu);  // The first takes its memory from the system.
    const absl::Time start = Clock::Real().Now();
    engine.Run(hu);
    return DivideProcessors(processors, ThreadsForSlice(Clock::Real().Now() - start));
  });
}

absl::Status LoadError(absl::string_view file_name, const absl::Status& reason) {
  return absl::FailedPreconditionError(
      absl::StrCat(file_name, " cannot be loaded: ", reason.message()));
}

}  // namespace

BundleRunner::BundleRunner(const RunnerOptions& options, torch::Device device,
                           std::shared_ptr<const SliceEngine> engine,
                           std::shared_ptr<PatientNetwork> patient_network,
                           std::shared_ptr<ConcurrentBatches> batches)
    : options_(options),
      device_(device),
      engine_(std::move(engine)),
      patient_network_(std::move(patient_network)),
      batches_(std::move(batches)) {}

absl::StatusOr<std::unique_ptr<BundleRunner>> BundleRunner::Create(absl::string_view slice_file,
                                                                   absl::string_view patient_file,
                                                                   const RunnerOptions& options) {
  using Engine = std::shared_ptr<const SliceEngine>;
  using Patients = std::shared_ptr<PatientNetwork>;
  M3L_ASSIGN_OR_RETURN(const torch::Device device, OpenDevice(options.device));
  if (options.threads > 0) at::set_num_threads(options.threads);
  auto engine = Guarded<Engine>("slice network", [&] {
    return std::make_shared<TorchScriptEngine>(slice_file, device, options.precision);
  });
  if (!engine.ok()) return LoadError("slice.ts", engine.status());
  auto patients = Guarded<Patients>("patient network", [&] {
    return std::make_shared<PatientNetwork>(patient_file, device, options.feature_size);
  });
  if (!patients.ok()) return LoadError("patient.ts", patients.status());
  BatchThreads threads;
  if (device.is_cpu()) {
    const absl::StatusOr<BatchThreads> found = ShareCpu(options, **engine);
    if (!found.ok()) return LoadError("slice.ts", found.status());
    threads = *found;
  }
  M3L_ASSIGN_OR_RETURN(std::unique_ptr<ConcurrentBatches> batches,
                       ConcurrentBatches::Create(device, threads));
  return std::unique_ptr<BundleRunner>(new BundleRunner(options, device, *std::move(engine),
                                                        *std::move(patients), std::move(batches)));
}

std::unique_ptr<BundleRunner> BundleRunner::With(std::shared_ptr<const SliceEngine> engine) const {
  return std::unique_ptr<BundleRunner>(
      new BundleRunner(options_, device_, std::move(engine), patient_network_, batches_));
}

absl::StatusOr<std::unique_ptr<BundleRunner>> BundleRunner::Fused(
    absl::Span<const int> batch_sizes) const {
  using Engine = std::shared_ptr<const SliceEngine>;
  absl::StatusOr<Engine> fused = Guarded<Engine>("fusing the slice network", [&] {
    const ConcurrentBatches::Slot slot(*batches_);  // compiled for its threads
    std::vector<torch::Tensor> like;
    for (const int size : batch_sizes) {
      like.push_back(Air(size, options_.input_size).to(device_));
    }
    return engine_->Fused(like);
  });
  if (!fused.ok()) return fused.status();
  if (*fused == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(engine_->Name(), " has nothing to fuse"));
  }
  return With(*std::move(fused));
}

absl::StatusOr<std::vector<SliceScores>> BundleRunner::ScoreSlices(
    absl::Span<const int16_t* const> slices) {
  using Scores = std::vector<SliceScores>;
  if (slices.empty()) return Scores();
  return Guarded<Scores>("slice network", [&]() -> absl::StatusOr<Scores> {
    // Held until the scores are on the CPU, for which ScoresFrom() waits.
    const ConcurrentBatches::Slot slot(*batches_);
    const torch::Tensor hu = SliceTensor(slices, options_.input_size, device_.is_cuda());
    return ScoresFrom(engine_->Run(hu.to(device_, /*non_blocking=*/true)), hu.size(0),
                      options_.feature_size);
  });
}

absl::Status BundleRunner::CheckDevice() try {
  if (device_.is_cpu()) return absl::OkStatus();
  const c10::impl::VirtualGuardImpl runtime(device_.type());
  runtime.synchronizeDevice(device_.index());
  return absl::OkStatus();
} catch (const std::exception&) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device_.str(), " can no longer compute"));
}

}  // namespace m3lung
