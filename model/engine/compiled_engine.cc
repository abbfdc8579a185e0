// SPDX-License-Identifier: Apache-2.0
#include "model/engine/compiled_engine.h"

#include <utility>

#include "ATen/Version.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "torch/csrc/inductor/aoti_package/model_package_loader.h"
#include "torch/torch.h"
#include "torch/version.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = "compiled";
constexpr char kFactsFile[] = "compiled.json";
constexpr char kPackageFile[] = "slice.pt2";

absl::Status Fits(const CompiledFacts& facts, const Manifest& manifest, int largest_batch) {
  const auto unfit = [](auto... what) {
    return absl::FailedPreconditionError(
        absl::StrCat("the compiled slice network ", what..., "; compile it again"));
  };
  if (facts.slice_digest != manifest.slice_digest) return unfit("was made from another slice.ts");
  if (!manifest.Allows(facts.precision)) {
    return absl::FailedPreconditionError(absl::StrCat("the compiled slice network is in ",
                                                      PrecisionName(facts.precision),
                                                      ", which the manifest does not allow"));
  }
  if (!absl::StartsWith(TORCH_VERSION, facts.torch)) {
    return unfit("was made by torch ", facts.torch, ", and this is ", TORCH_VERSION);
  }
  if (facts.most_slices < largest_batch) {
    return unfit("takes batches of at most ", facts.most_slices, " slices, and batching.sizes has ",
                 largest_batch);
  }
  if (facts.cpu_capability != at::get_cpu_capability()) {
    return unfit("is for ", facts.cpu_capability, ", and this processor offers ",
                 at::get_cpu_capability());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompiledFacts> ReadCompiledFacts(const fs::path& bundle) {
  const fs::path file = bundle / kFolder / kFactsFile;
  M3L_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  try {
    const auto json = nlohmann::json::parse(text);
    CompiledFacts facts = {.slice_digest = json.at("slice_digest"),
                           .package_digest = json.at("package_digest"),
                           .tolerance = json.at("tolerance"),
                           .most_slices = json.at("most_slices"),
                           .torch = json.at("torch"),
                           .cpu_capability = json.at("cpu_capability")};
    M3L_ASSIGN_OR_RETURN(facts.precision, ParsePrecision(json.at("precision").get<std::string>()));
    return facts;
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat(file.string(), ": ", e.what()));
  }
}

CompiledEngine::CompiledEngine(CompiledFacts facts,
                               std::unique_ptr<torch::inductor::AOTIModelPackageLoader> network)
    : facts_(std::move(facts)), network_(std::move(network)) {}

CompiledEngine::~CompiledEngine() = default;

absl::StatusOr<std::shared_ptr<const CompiledEngine>> CompiledEngine::Open(
    const fs::path& bundle, const Manifest& manifest, int largest_batch,
    int concurrent_batches) try {
  M3L_ASSIGN_OR_RETURN(CompiledFacts facts, ReadCompiledFacts(bundle));
  M3L_RETURN_IF_ERROR(Fits(facts, manifest, largest_batch));
  const fs::path package = bundle / kFolder / kPackageFile;
  M3L_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(package));
  if (Sha256Hex(bytes) != facts.package_digest) {
    return absl::DataLossError(
        absl::StrCat(package.string(), " is not what ", kFactsFile, " says; compile it again"));
  }
  auto network = std::make_unique<torch::inductor::AOTIModelPackageLoader>(
      package.string(), "model", /*run_single_threaded=*/false, concurrent_batches);
  return std::shared_ptr<const CompiledEngine>(
      new CompiledEngine(std::move(facts), std::move(network)));
} catch (const c10::Error& e) {
  return absl::FailedPreconditionError(
      absl::StrCat("the compiled slice network cannot be loaded: ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::FailedPreconditionError(
      absl::StrCat("the compiled slice network cannot be loaded: ", e.what()));
}

std::string CompiledEngine::Name() const {
  return absl::StrCat("AOTInductor ", PrecisionName(facts_.precision));
}

std::vector<torch::Tensor> CompiledEngine::Run(const torch::Tensor& hu) const {
  return network_->run({hu});
}

}  // namespace m3lung
