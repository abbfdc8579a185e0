// SPDX-License-Identifier: Apache-2.0
// The InferenceRunner whose slice network was compiled by AOTInductor from the same weights
// (scripts/compile_bundle.py). The patient network, a thousandth of the work, stays TorchScript.
#ifndef M3LUNG_MODEL_ENGINE_COMPILED_RUNNER_H_
#define M3LUNG_MODEL_ENGINE_COMPILED_RUNNER_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/bundle/manifest.h"
#include "model/engine/inference.h"
#include "model/engine/torchscript_runner.h"

namespace torch::inductor {
class AOTIModelPackageLoader;
}

namespace m3lung {

// compiled/compiled.json of a bundle: what slice.pt2 beside it was made from, and for.
struct CompiledFacts {
  std::string slice_digest;    // of the slice.ts that it was made from
  std::string package_digest;  // of slice.pt2
  Precision precision = Precision::kFp32;
  double tolerance = 0;        // of probabilities, against slice.ts's
  int most_slices = 0;         // of one batch
  std::string torch;           // version
  std::string cpu_capability;  // as ATen names it
};

// NOT_FOUND where the bundle's folder holds none; DATA_LOSS names the field that is missing or of
// another kind; INVALID_ARGUMENT for a precision that there is none of.
absl::StatusOr<CompiledFacts> ReadCompiledFacts(const std::filesystem::path& bundle);

// Thread safety: as TorchScriptRunner.
class CompiledRunner final : public InferenceRunner {
 public:
  // Opens the compiled network of `bundle`, whose manifest is `manifest`. It is native code, and as
  // trusted as the program itself. `scripted` is the bundle's own runner on the CPU; it is kept for
  // patients, and taken only where all is well.
  //
  // FAILED_PRECONDITION where it was made from other weights, for another LibTorch, for smaller
  // batches than `largest_batch` or for instructions that this processor lacks; DATA_LOSS where its
  // digest is another. The caller compares what it computes.
  static absl::StatusOr<std::unique_ptr<CompiledRunner>> Open(
      const std::filesystem::path& bundle, const Manifest& manifest, int largest_batch,
      std::unique_ptr<TorchScriptRunner>& scripted);
  ~CompiledRunner() override;

  int lanes() const override { return scripted_->lanes(); }
  int input_size() const override { return scripted_->input_size(); }
  absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) override;
  absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) override {
    return scripted_->AssessPatient(features);
  }
  absl::Status CheckDevice() override { return absl::OkStatus(); }

  const CompiledFacts& facts() const { return facts_; }
  // The runner that it took the place of.
  std::unique_ptr<TorchScriptRunner> GiveBack() && { return std::move(scripted_); }

 private:
  CompiledRunner(CompiledFacts facts, int feature_size,
                 std::unique_ptr<torch::inductor::AOTIModelPackageLoader> network,
                 std::unique_ptr<TorchScriptRunner> scripted);

  const CompiledFacts facts_;
  const int feature_size_;
  const std::unique_ptr<torch::inductor::AOTIModelPackageLoader> network_;
  std::unique_ptr<TorchScriptRunner> scripted_;
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_COMPILED_RUNNER_H_
