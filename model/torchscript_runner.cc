#include "model/torchscript_runner.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "caffe2/serialize/read_adapter_interface.h"
#include "model/cuda_library.h"
#include "torch/csrc/jit/runtime/graph_executor.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

constexpr int kWarmUpRuns = 3;

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

absl::StatusOr<torch::jit::Module> Load(absl::string_view file, torch::Device device) {
  torch::jit::Module module = torch::jit::load(std::make_shared<MemoryReader>(file), device);
  module.eval();
  module = torch::jit::freeze(module);
  // Chooses the CPU's own kernels and layouts; a CUDA module stays as it is.
  if (device.is_cpu()) module = torch::jit::optimize_for_inference(module);
  return module;
}

absl::Status LoadError(absl::string_view file_name, const absl::Status& reason) {
  return absl::FailedPreconditionError(
      absl::StrCat(file_name, " cannot be loaded: ", reason.message()));
}

// On the CPU, float32, contiguous; INTERNAL with the name of the output where a
// value is not finite or the shape is another.
absl::StatusOr<torch::Tensor> Checked(absl::string_view name, const torch::IValue& value,
                                      at::IntArrayRef shape) {
  const torch::Tensor tensor = value.toTensor().to(torch::kCPU, torch::kFloat32).contiguous();
  bool right_shape = tensor.dim() == static_cast<int64_t>(shape.size());
  for (size_t i = 0; right_shape && i < shape.size(); ++i) {
    right_shape = shape[i] < 0 || shape[i] == tensor.size(static_cast<int64_t>(i));
  }
  if (!right_shape) {
    return absl::InternalError(absl::StrCat("output \"", name, "\" has an unexpected shape"));
  }
  const float* values = tensor.const_data_ptr<float>();
  if (!std::all_of(values, values + tensor.numel(), [](float v) { return std::isfinite(v); })) {
    return absl::InternalError(
        absl::StrCat("output \"", name, "\" holds a value that is not finite"));
  }
  return tensor;
}

std::vector<float> Row(const torch::Tensor& matrix, int64_t row) {
  const torch::Tensor values = matrix[row];
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
}

ClassProbabilities ToProbabilities(const float* values) {
  ClassProbabilities probabilities;
  std::copy_n(values, kClasses, probabilities.begin());
  return probabilities;
}

}  // namespace

TorchScriptRunner::TorchScriptRunner(const TorchScriptOptions& options, torch::Device device,
                                     torch::jit::Module slice_net, torch::jit::Module patient_net)
    : options_(options),
      device_(device),
      slice_net_(std::move(slice_net)),
      patient_net_(std::move(patient_net)) {}

absl::StatusOr<std::unique_ptr<TorchScriptRunner>> TorchScriptRunner::Create(
    absl::string_view slice_file, absl::string_view patient_file,
    const TorchScriptOptions& options) {
  M3L_ASSIGN_OR_RETURN(const torch::Device device, OpenDevice(options.device));
  if (options.threads > 0) at::set_num_threads(options.threads);
  auto slice_net =
      Guarded<torch::jit::Module>("slice network", [&] { return Load(slice_file, device); });
  if (!slice_net.ok()) return LoadError("slice.ts", slice_net.status());
  auto patient_net =
      Guarded<torch::jit::Module>("patient network", [&] { return Load(patient_file, device); });
  if (!patient_net.ok()) return LoadError("patient.ts", patient_net.status());
  return std::unique_ptr<TorchScriptRunner>(
      new TorchScriptRunner(options, device, *std::move(slice_net), *std::move(patient_net)));
}

absl::StatusOr<std::vector<SliceScores>> TorchScriptRunner::ScoreSlices(
    absl::Span<const int16_t* const> slices) {
  using Scores = std::vector<SliceScores>;
  if (slices.empty()) return Scores();
  return Guarded<Scores>("slice network", [&]() -> absl::StatusOr<Scores> {
    const int64_t count = static_cast<int64_t>(slices.size()), size = options_.input_size;
    torch::Tensor hu = torch::empty({count, size, size}, torch::kInt16);
    for (int64_t i = 0; i < count; ++i) {
      std::copy_n(slices[i], size * size, hu.mutable_data_ptr<int16_t>() + i * size * size);
    }
    torch::IValue output;
    {
      absl::MutexLock lock(&slice_mu_);
      output = slice_net_.forward({hu.to(device_)});
    }
    const auto& parts = output.toTupleRef().elements();
    if (parts.size() != 4) return absl::InternalError("slice network: expected four outputs");
    M3L_ASSIGN_OR_RETURN(const auto classes,
                         Checked("class probabilities", parts[0], {count, kClasses}));
    M3L_ASSIGN_OR_RETURN(const auto lesion, Checked("lesion probabilities", parts[1], {count, 2}));
    M3L_ASSIGN_OR_RETURN(const auto maps, Checked("location maps", parts[2], {count, -1, -1}));
    M3L_ASSIGN_OR_RETURN(const auto features,
                         Checked("features", parts[3], {count, options_.feature_size}));
    Scores scores(slices.size());
    for (int64_t i = 0; i < count; ++i) {
      SliceScores& score = scores[i];
      score.probabilities = ToProbabilities(classes.const_data_ptr<float>() + i * kClasses);
      score.lesion_probability = lesion.const_data_ptr<float>()[2 * i + 1];
      score.map = {.rows = static_cast<int>(maps.size(1)),
                   .columns = static_cast<int>(maps.size(2)),
                   .values = Row(maps, i)};
      score.features = Row(features, i);
    }
    return scores;
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
                             Checked("patient probabilities", output, {kClasses}));
        return ToProbabilities(probabilities.const_data_ptr<float>());
      });
}

absl::Status TorchScriptRunner::WarmUp(absl::Span<const int> batch_sizes) {
  const std::vector<int16_t> air(static_cast<size_t>(options_.input_size) * options_.input_size,
                                 -1000);
  for (int batch_size : batch_sizes) {
    if (batch_size < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("a batch size must be positive; was ", batch_size));
    }
    const std::vector<const int16_t*> slices(batch_size, air.data());
    for (int run = 0; run < kWarmUpRuns; ++run) {
      M3L_ASSIGN_OR_RETURN(const auto scores, ScoreSlices(slices));
      const std::vector<const std::vector<float>*> features(batch_size, &scores[0].features);
      M3L_RETURN_IF_ERROR(AssessPatient(features).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace m3lung
