// SPDX-License-Identifier: Apache-2.0
// manifest.json of a model bundle: what its weights are, and how they are used.
#ifndef M3LUNG_MODEL_BUNDLE_MANIFEST_H_
#define M3LUNG_MODEL_BUNDLE_MANIFEST_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/answers/assessment.h"
#include "model/bundle/precision.h"
#include "model/engine/inference.h"
#include "model/networks/map_measure.h"
#include "preprocess/crop_mode.h"

namespace m3lung {

enum class WeightsOrigin { kRandom, kSyntheticData, kMixedData, kRealData };

struct Manifest {
  static constexpr int kFormatVersion = 1;

  std::string name;
  std::string version;

  // SHA-256 of the files beside the manifest.
  std::string slice_digest;    // slice.ts
  std::string patient_digest;  // patient.ts
  std::string golden_digest;   // golden.hu

  int input_size = 512;     // pixels
  int feature_size = 3072;  // of one slice
  std::vector<float> window_centres_hu;
  float window_width_hu = 0;
  std::array<float, 3> channel_mean = {};  // after mapping to [0, 1]
  std::array<float, 3> channel_deviation = {};
  CropMode crop_mode = CropMode::kVolume;
  MapMeasure map_measure = MapMeasure::kInnerProduct;
  float healthy_share_threshold = kHealthyShareThreshold;  // T of the non-parametric assessment
  // What the slice network may compute in: float32, and what it was found to give the same
  // answers in (m3lung-train precision), the preferred first.
  std::vector<Precision> precisions = {Precision::kFp32};

  WeightsOrigin weights_origin = WeightsOrigin::kRandom;
  std::string training_data;  // in words
  std::string made_by;        // the command, with its seed

  // Output on golden.hu (`golden_slices` slices of int16 HU, little endian),
  // checked at load.
  int golden_slices = 0;
  std::vector<ClassProbabilities> golden_probabilities;  // one a slice
  std::vector<float> golden_lesion_probabilities;        // one a slice
  ClassProbabilities golden_patient_probabilities = {};
  float golden_tolerance = 0;

  bool Allows(Precision precision) const;

  // What every answer and report repeats: research use only, and what the
  // weights were trained on.
  std::string Notice() const;
};

// INVALID_ARGUMENT names the field that is missing, unknown or out of range.
absl::StatusOr<Manifest> ParseManifest(absl::string_view json);

std::string FormatManifest(const Manifest& manifest);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_MANIFEST_H_
