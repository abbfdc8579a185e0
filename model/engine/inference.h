// SPDX-License-Identifier: Apache-2.0
// What a model bundle computes, free of LibTorch's types, so that batching,
// server and tests compile without them.
#ifndef M3LUNG_MODEL_ENGINE_INFERENCE_H_
#define M3LUNG_MODEL_ENGINE_INFERENCE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace m3lung {

inline constexpr int kClasses = 4;

// The class order of the paper and of every probability vector.
enum class Label { kHealthy = 0, kCovid19 = 1, kH1n1 = 2, kCap = 3 };
inline constexpr std::array<Label, kClasses> kLabels = {Label::kHealthy, Label::kCovid19,
                                                        Label::kH1n1, Label::kCap};

// "HEALTHY", "COVID_19", "H1N1", "CAP": the names in manifests, data sets and answers.
absl::string_view LabelName(Label label);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<Label> ParseLabel(absl::string_view name);

using ClassProbabilities = std::array<float, kClasses>;

// The most probable class; of equal ones the first.
Label MostProbable(const ClassProbabilities& probabilities);

// Closeness to the prototype of the predicted class, in [0, 1], row by row.
struct LocationMap {
  int rows = 0;
  int columns = 0;
  std::vector<float> values;
};

struct SliceScores {
  ClassProbabilities probabilities = {};  // combined by the paper's equation 4
  float lesion_probability = 0;
  LocationMap map;
  std::vector<float> features;  // pooled ResBlock3 and ResBlock4
};

// The two networks of one bundle on one device.
//
// Thread safety: methods may be called from any thread; calls beyond
// concurrent_batches() may wait for each other.
class InferenceRunner {
 public:
  virtual ~InferenceRunner() = default;

  // How many calls of ScoreSlices() at once make the best of the device: one where a
  // call takes all of it, more where one batch can be copied while another is computed.
  virtual int concurrent_batches() const { return 1; }

  // Side of the square HU slices that ScoreSlices() takes, in pixels.
  virtual int input_size() const = 0;

  // Scores slices together. Each is input_size() x input_size() HU, row by row,
  // cropped and resized. Returns one entry a slice, in the order given.
  // INTERNAL where the network fails or yields a value that is not finite.
  virtual absl::StatusOr<std::vector<SliceScores>> ScoreSlices(
      absl::Span<const int16_t* const> slices) = 0;

  // Patient probabilities from the features of all scored slices from head to
  // feet; at least one. INTERNAL as above.
  virtual absl::StatusOr<ClassProbabilities> AssessPatient(
      absl::Span<const std::vector<float>* const> features) = 0;

  // To be asked after an error. UNAVAILABLE where the device itself can no longer
  // compute, as its driver says; OK where the networks or the input are to blame.
  virtual absl::Status CheckDevice() = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ENGINE_INFERENCE_H_
