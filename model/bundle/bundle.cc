// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/bundle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/find_bundles.h"
#include "model/engine/bundle_runner.h"
#include "model/engine/compiled_engine.h"
#include "model/engine/convolution_precision.h"
#include "model/engine/warm_up.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// The file's bytes, whose digest is `digest`.
absl::StatusOr<std::string> ReadChecked(const fs::path& file, absl::string_view digest) {
  absl::StatusOr<std::string> bytes = ReadFile(file);
  if (!bytes.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the bundle is not whole: ", bytes.status().message()));
  }
  const std::string found = Sha256Hex(*bytes);
  if (found != digest) {
    return absl::FailedPreconditionError(absl::StrCat(file.string(), " has digest ", found,
                                                      ", but the manifest says ", digest,
                                                      "; fetch or make the bundle again"));
  }
  return bytes;
}

// FAILED_PRECONDITION where a golden value differs by more than `tolerance`.
absl::Status CheckGolden(const Manifest& manifest, const GoldenOutput& found, float tolerance) {
  const auto check = [&](const std::string& what, float got, float expected) {
    if (std::abs(got - expected) <= tolerance) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        kGoldenFile, ": ", what, " is ", got, ", but the manifest says ", expected, " (tolerance ",
        tolerance,
        "); the networks do not compute here what they computed where the bundle was made"));
  };
  for (int i = 0; i < manifest.golden_slices; ++i) {
    const std::string slice = absl::StrCat("slice ", i);
    for (int c = 0; c < kClasses; ++c) {
      M3L_RETURN_IF_ERROR(check(absl::StrCat(slice, ", probability ", c), found.probabilities[i][c],
                                manifest.golden_probabilities[i][c]));
    }
    M3L_RETURN_IF_ERROR(check(absl::StrCat(slice, ", lesion probability"),
                              found.lesion_probabilities[i],
                              manifest.golden_lesion_probabilities[i]));
  }
  for (int c = 0; c < kClasses; ++c) {
    M3L_RETURN_IF_ERROR(check(absl::StrCat("patient, probability ", c),
                              found.patient_probabilities[c],
                              manifest.golden_patient_probabilities[c]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Precision> ChoosePrecision(const Manifest& manifest, const LoadOptions& options) {
  if (!options.precision.has_value()) {
    const auto offered = [&](Precision precision) {
      return options.device != "cpu" || ProcessorOffers(precision);
    };
    return *std::find_if(manifest.precisions.begin(), manifest.precisions.end(), offered);
  }
  if (options.any_precision || manifest.Allows(*options.precision)) return *options.precision;
  return absl::FailedPreconditionError(
      absl::StrCat(manifest.name, " ", manifest.version,
                   " was not found to give the same answers in ", PrecisionName(*options.precision),
                   " as in fp32: its manifest does not list it under \"precisions\"; use ",
                   "\"auto\", or see m3lung-train precision"));
}

float ToleranceOf(const Manifest& manifest, Precision precision) {
  return precision == Precision::kFp32 ? manifest.golden_tolerance : kPrecisionTolerance;
}

// OK where a compiled network's answers are those of slice.ts, within what it was made for.
absl::Status CheckCompiled(const GoldenOutput& compiled, const Manifest& manifest,
                           double tolerance) {
  for (size_t i = 0; i < manifest.golden_probabilities.size(); ++i) {
    const ClassProbabilities& got = compiled.probabilities[i];
    const ClassProbabilities& expected = manifest.golden_probabilities[i];
    if (MostProbable(got) != MostProbable(expected)) {
      return absl::FailedPreconditionError("another label than slice.ts's");
    }
    for (int c = 0; c < kClasses; ++c) {
      if (!(std::abs(got[c] - expected[c]) <= tolerance)) {
        return absl::FailedPreconditionError(
            absl::StrCat("a probability of ", got[c], ", slice.ts's is ", expected[c]));
      }
    }
    const float lesion = compiled.lesion_probabilities[i];
    if (!(std::abs(lesion - manifest.golden_lesion_probabilities[i]) <= tolerance)) {
      return absl::FailedPreconditionError(absl::StrCat("a lesion probability of ", lesion,
                                                        ", slice.ts's is ",
                                                        manifest.golden_lesion_probabilities[i]));
    }
  }
  return absl::OkStatus();
}

void AppendRemark(Bundle& bundle, absl::string_view remark) {
  absl::StrAppend(&bundle.remark, bundle.remark.empty() ? "" : "; ", remark);
}

// A runner on the network that was compiled for this processor; an error says why it is not to be
// used.
absl::StatusOr<std::unique_ptr<BundleRunner>> Compiled(const BundleRunner& scripted,
                                                       const fs::path& folder, const Bundle& bundle,
                                                       const std::vector<HuPixels>& golden_slices,
                                                       absl::Span<const int> batch_sizes) {
  if (bundle.device != "cpu") {
    return absl::FailedPreconditionError("compiled networks are for the CPU");
  }
  const int largest_batch = *std::max_element(batch_sizes.begin(), batch_sizes.end());
  M3L_ASSIGN_OR_RETURN(auto engine, CompiledEngine::Open(folder, bundle.manifest, largest_batch,
                                                         scripted.concurrent_batches()));
  // What stands beside the package may ask for less than the contract, not for more.
  const double tolerance = std::min<double>(engine->facts().tolerance, kPrecisionTolerance);
  auto runner = scripted.With(std::move(engine));
  const absl::StatusOr<GoldenOutput> again = RunGolden(*runner, golden_slices);
  const absl::Status same =
      again.ok() ? CheckCompiled(*again, bundle.manifest, tolerance) : again.status();
  if (!same.ok()) {
    return absl::FailedPreconditionError(absl::StrCat("the compiled slice network gives on ",
                                                      kGoldenFile, ": ", same.message(),
                                                      "; compile it again"));
  }
  return runner;
}

// A runner whose convolutions are compiled for these sizes of batch, and that answers as before in
// each.
absl::StatusOr<std::unique_ptr<BundleRunner>> Fused(const BundleRunner& scripted,
                                                    const Manifest& manifest,
                                                    const std::vector<HuPixels>& golden_slices,
                                                    absl::Span<const int> batch_sizes,
                                                    float tolerance, const std::stop_token& stop) {
  M3L_RETURN_IF_ERROR(CheckStop(stop));
  M3L_ASSIGN_OR_RETURN(auto runner, scripted.Fused(batch_sizes));
  for (const int batch_size : batch_sizes) {
    M3L_ASSIGN_OR_RETURN(const GoldenOutput found,
                         RunGolden(*runner, golden_slices, batch_size, stop));
    M3L_RETURN_IF_ERROR(CheckGolden(manifest, found, tolerance));
  }
  return runner;
}

// The fastest runner that was asked for and answers as `scripted` does; that one, and a remark,
// where there is none.
absl::StatusOr<std::unique_ptr<BundleRunner>> Fastest(std::unique_ptr<BundleRunner> scripted,
                                                      const fs::path& folder,
                                                      const LoadOptions& options,
                                                      const std::vector<HuPixels>& golden_slices,
                                                      float tolerance, Bundle& bundle) {
  if (options.compiled) {
    auto compiled = Compiled(*scripted, folder, bundle, golden_slices, options.batch_sizes);
    if (compiled.ok()) return compiled;
    AppendRemark(bundle, compiled.status().message());
  }
  if (options.fused && options.device == "cpu") {
    auto fused = Fused(*scripted, bundle.manifest, golden_slices, options.batch_sizes, tolerance,
                       options.stop);
    M3L_RETURN_IF_ERROR(CheckStop(options.stop));
    if (fused.ok()) return fused;
    AppendRemark(bundle,
                 absl::StrCat("its convolutions are not fused: ", fused.status().message()));
  }
  return scripted;
}

// The folder's name without a slash at its end.
fs::path Tidy(const fs::path& directory) {
  const fs::path tidy = fs::absolute(directory).lexically_normal();
  return tidy.has_filename() ? tidy : tidy.parent_path();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Bundle>> LoadBundle(const fs::path& directory,
                                                         const LoadOptions& options) {
  M3L_RETURN_IF_ERROR(CheckStop(options.stop));
  const fs::path folder = Tidy(directory);
  absl::StatusOr<std::string> json = ReadFile(folder / kManifestFile);
  if (!json.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the bundle is not whole: ", json.status().message()));
  }
  auto bundle = std::make_shared<Bundle>();
  absl::StatusOr<Manifest> manifest = ParseManifest(*json);
  if (!manifest.ok()) {
    return absl::Status(manifest.status().code(), absl::StrCat((folder / kManifestFile).string(),
                                                               ": ", manifest.status().message()));
  }
  bundle->manifest = *std::move(manifest);
  bundle->digest = Sha256Hex(*json);
  bundle->device = options.device;
  const Manifest& said = bundle->manifest;
  M3L_RETURN_IF_ERROR(CheckBundleFolder(folder, said));

  M3L_ASSIGN_OR_RETURN(const std::string golden,
                       ReadChecked(folder / kGoldenFile, said.golden_digest));
  M3L_ASSIGN_OR_RETURN(const auto golden_slices,
                       DecodeGolden(golden, said.golden_slices, said.input_size));
  M3L_ASSIGN_OR_RETURN(const Precision precision, ChoosePrecision(said, options));
  std::unique_ptr<BundleRunner> runner;
  {
    // The networks are loaded from the very bytes whose digests were checked.
    M3L_ASSIGN_OR_RETURN(const std::string slice,
                         ReadChecked(folder / kSliceFile, said.slice_digest));
    M3L_ASSIGN_OR_RETURN(const std::string patient,
                         ReadChecked(folder / kPatientFile, said.patient_digest));
    M3L_RETURN_IF_ERROR(CheckStop(options.stop));
    M3L_ASSIGN_OR_RETURN(runner,
                         BundleRunner::Create(slice, patient,
                                              {.input_size = said.input_size,
                                               .feature_size = said.feature_size,
                                               .device = options.device,
                                               .threads = options.threads,
                                               .threads_per_batch = options.threads_per_batch,
                                               .precision = precision}));
  }
  M3L_ASSIGN_OR_RETURN(const GoldenOutput found,
                       RunGolden(*runner, golden_slices, 1, options.stop));
  // What the manifest does not allow is tried to find out how much it differs.
  const float tolerance = said.Allows(precision) ? ToleranceOf(said, precision)
                                                 : std::numeric_limits<float>::infinity();
  M3L_RETURN_IF_ERROR(CheckGolden(said, found, tolerance));
  M3L_ASSIGN_OR_RETURN(
      runner, Fastest(std::move(runner), folder, options, golden_slices, tolerance, *bundle));
  bundle->runs_on = runner->engine().Name();
  bundle->runner = std::move(runner);
  M3L_ASSIGN_OR_RETURN(bundle->batch_durations,
                       WarmUp(*bundle->runner, options.batch_sizes, options.stop));
  return bundle;
}

}  // namespace m3lung
