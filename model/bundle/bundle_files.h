// SPDX-License-Identifier: Apache-2.0
// The names of a bundle's files, and the golden input's form.
#ifndef M3LUNG_MODEL_BUNDLE_BUNDLE_FILES_H_
#define M3LUNG_MODEL_BUNDLE_BUNDLE_FILES_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/bundle/manifest.h"
#include "model/engine/inference.h"

namespace m3lung {

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr char kSliceFile[] = "slice.ts";
inline constexpr char kPatientFile[] = "patient.ts";
inline constexpr char kGoldenFile[] = "golden.hu";

// One slice's HU, row by row.
using HuPixels = std::vector<int16_t>;

// Slices of `input_size` squared one after the other, int16 little endian.
std::string EncodeGolden(const std::vector<HuPixels>& slices);
// FAILED_PRECONDITION where the length is not that of `slices` slices.
absl::StatusOr<std::vector<HuPixels>> DecodeGolden(absl::string_view bytes, int slices,
                                                   int input_size);

// What a network says of the golden slices.
struct GoldenOutput {
  std::vector<ClassProbabilities> probabilities;
  std::vector<float> lesion_probabilities;
  ClassProbabilities patient_probabilities = {};
};
// In batches of `batch_size`, the last of them filled up with slices from the start. CANCELLED
// where `stop` asked for it between two of them.
absl::StatusOr<GoldenOutput> RunGolden(InferenceRunner& runner, const std::vector<HuPixels>& slices,
                                       int batch_size = 1, const std::stop_token& stop = {});

}  // namespace m3lung

#endif  // M3LUNG_MODEL_BUNDLE_BUNDLE_FILES_H_
