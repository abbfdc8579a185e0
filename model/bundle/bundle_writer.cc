// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/bundle_writer.h"

#include <unistd.h>

#include <string>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "model/bundle/torchscript_export.h"
#include "model/engine/bundle_runner.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

absl::Status CheckContents(const BundleContents& contents) {
  const SliceNetOptions& options = contents.slice_net->options();
  if (contents.patient_net->options().feature_size != options.feature_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the patient network takes ", contents.patient_net->options().feature_size,
                     " features, but the slice network gives ", options.feature_size()));
  }
  if (contents.golden_slices.empty()) {
    return absl::InvalidArgumentError("a bundle needs at least one golden slice");
  }
  const size_t pixels = static_cast<size_t>(options.input_size) * options.input_size;
  for (const HuPixels& slice : contents.golden_slices) {
    if (slice.size() != pixels) {
      return absl::InvalidArgumentError(
          absl::StrCat("a golden slice has ", slice.size(), " pixels; expected ", pixels));
    }
  }
  return absl::OkStatus();
}

// Puts `partial` in the place of `target`.
absl::Status MoveIntoPlace(const fs::path& partial, const fs::path& target) {
  std::error_code error;
  fs::remove_all(target, error);
  if (!error) fs::rename(partial, target, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", target.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<fs::path> WriteBundle(BundleContents contents, const fs::path& models,
                                     bool overwrite) {
  M3L_RETURN_IF_ERROR(CheckContents(contents));
  Manifest& manifest = contents.manifest;
  const fs::path target = models / manifest.name / manifest.version;
  std::error_code error;
  if (!overwrite && fs::exists(target, error)) {
    return absl::AlreadyExistsError(absl::StrCat(
        target.string(), " is there already; give another version, or say to overwrite it"));
  }

  M3L_ASSIGN_OR_RETURN(const std::string slice, ExportSliceNet(contents.slice_net));
  M3L_ASSIGN_OR_RETURN(const std::string patient, ExportPatientNet(contents.patient_net));
  const std::string golden = EncodeGolden(contents.golden_slices);

  const SliceNetOptions& options = contents.slice_net->options();
  manifest.slice_digest = Sha256Hex(slice);
  manifest.patient_digest = Sha256Hex(patient);
  manifest.golden_digest = Sha256Hex(golden);
  manifest.input_size = options.input_size;
  manifest.feature_size = options.feature_size();
  manifest.window_centres_hu = options.windows.centres_hu;
  manifest.window_width_hu = options.windows.width_hu;
  manifest.channel_mean = options.windows.channel_mean;
  manifest.channel_deviation = options.windows.channel_deviation;
  manifest.map_measure = options.map_measure;

  M3L_ASSIGN_OR_RETURN(const auto runner,
                       BundleRunner::Create(slice, patient,
                                            {.input_size = manifest.input_size,
                                             .feature_size = manifest.feature_size}));
  M3L_ASSIGN_OR_RETURN(const GoldenOutput output, RunGolden(*runner, contents.golden_slices));
  manifest.golden_slices = static_cast<int>(contents.golden_slices.size());
  manifest.golden_probabilities = output.probabilities;
  manifest.golden_lesion_probabilities = output.lesion_probabilities;
  manifest.golden_patient_probabilities = output.patient_probabilities;
  const std::string json = FormatManifest(manifest);
  M3L_RETURN_IF_ERROR(ParseManifest(json).status());  // what cannot be loaded is not written

  // Beside the target and hidden, so that nobody finds half a bundle.
  const fs::path partial =
      target.parent_path() / absl::StrCat(".", manifest.version, ".", getpid(), ".partial");
  M3L_RETURN_IF_ERROR(MakeFolder(partial));
  const auto tidy_up = absl::MakeCleanup([&] {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
  });
  M3L_RETURN_IF_ERROR(WriteFile(partial / kSliceFile, slice));
  M3L_RETURN_IF_ERROR(WriteFile(partial / kPatientFile, patient));
  M3L_RETURN_IF_ERROR(WriteFile(partial / kGoldenFile, golden));
  M3L_RETURN_IF_ERROR(WriteFile(partial / kManifestFile, json));
  M3L_RETURN_IF_ERROR(MoveIntoPlace(partial, target));
  return target;
}

}  // namespace m3lung
