// SPDX-License-Identifier: Apache-2.0
// Writes model bundles.
#ifndef M3LUNG_MODEL_BUNDLE_BUNDLE_WRITER_H_
#define M3LUNG_MODEL_BUNDLE_BUNDLE_WRITER_H_

#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/manifest.h"
#include "model/networks/patient_net.h"
#include "model/networks/slice_net.h"

namespace m3lung {

// What probabilities of the golden input may differ by between processors.
inline constexpr float kGoldenTolerance = 1e-3F;

struct BundleContents {
  // The fields that the networks do not tell: name, version, crop_mode,
  // healthy_share_threshold, weights_origin, training_data, made_by and
  // golden_tolerance. All others are filled in.
  Manifest manifest;
  SliceNet slice_net{nullptr};
  PatientNet patient_net{nullptr};
  std::vector<HuPixels> golden_slices;  // at least one, of the net's input size
};

// Exports both networks, runs the exported files on the golden slices, and
// writes models/<name>/<version>/, whole or not at all. Returns that folder.
// ALREADY_EXISTS where it is there and `overwrite` is false; INVALID_ARGUMENT
// where networks or manifest do not fit together.
absl::StatusOr<std::filesystem::path> WriteBundle(BundleContents contents,
                                                  const std::filesystem::path& models,
                                                  bool overwrite);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_BUNDLE_WRITER_H_
