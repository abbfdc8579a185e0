// SPDX-License-Identifier: Apache-2.0
// A slice network that was compiled by AOTInductor, on the CPU, from the weights of slice.ts
// (scripts/compile_bundle.py).
#ifndef M3LUNG_MODEL_ENGINE_COMPILED_ENGINE_H_
#define M3LUNG_MODEL_ENGINE_COMPILED_ENGINE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/bundle/manifest.h"
#include "model/bundle/precision.h"
#include "model/engine/slice_engine.h"

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

class CompiledEngine final : public SliceEngine {
 public:
  // Opens the compiled network of `bundle`, whose manifest is `manifest`, for as many batches at
  // once. It is native code, and as trusted as the program itself.
  //
  // FAILED_PRECONDITION where it was made from other weights, for another LibTorch, for smaller
  // batches than `largest_batch` or for instructions that this processor lacks; DATA_LOSS where its
  // digest is another. The caller compares what it computes.
  static absl::StatusOr<std::shared_ptr<const CompiledEngine>> Open(
      const std::filesystem::path& bundle, const Manifest& manifest, int largest_batch,
      int concurrent_batches);
  ~CompiledEngine() override;

  std::string Name() const override;
  std::vector<torch::Tensor> Run(const torch::Tensor& hu) const override;

  const CompiledFacts& facts() const { return facts_; }

 private:
  CompiledEngine(CompiledFacts facts,
                 std::unique_ptr<torch::inductor::AOTIModelPackageLoader> network);

  const CompiledFacts facts_;
  const std::unique_ptr<torch::inductor::AOTIModelPackageLoader> network_;
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_COMPILED_ENGINE_H_
