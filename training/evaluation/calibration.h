// SPDX-License-Identifier: Apache-2.0
// Whether probabilities mean what they say.
#ifndef M3LUNG_TRAINING_EVALUATION_CALIBRATION_H_
#define M3LUNG_TRAINING_EVALUATION_CALIBRATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/engine/inference.h"

namespace m3lung {

// Cases whose confidence, the probability of the class that they were called, lies
// in [low, high); the last bin holds 1 too.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  int cases = 0;
  double mean_confidence = 0;  // 0 where there are no cases
  double accuracy = 0;         // share called what they are, likewise
};

struct Calibration {
  std::vector<ReliabilityBin> bins;  // ten of equal width, also the empty ones
  // Expected calibration error: the mean distance of accuracy from confidence over
  // the bins, by their cases.
  double expected_error = 0;
  // Mean over cases of the squared distance from the truth, summed over the four
  // classes: 0 best, 2 worst.
  double brier = 0;
  // Mean negative logarithm of the probability given to the truth; a probability
  // of 0 counts as the smallest step of a double, 2e-16.
  double log_loss = 0;
};

// REQUIRES: as many labels as probabilities, at least one.
Calibration MeasureCalibration(absl::Span<const ClassProbabilities> probabilities,
                               absl::Span<const Label> truth);

// p^(1/T), made to add up to 1: what dividing the logits by T would have given. T
// above 1 makes the probabilities more modest; their order stays. REQUIRES: T > 0.
ClassProbabilities WithTemperature(const ClassProbabilities& probabilities, double temperature);

// Bounds of a temperature that is fitted. Without them cases that are all called
// rightly would ask for ever sharper probabilities.
inline constexpr double kLeastTemperature = 0.2;
inline constexpr double kGreatestTemperature = 10;

// The temperature within the bounds that makes the log loss least (Guo et al., "On
// Calibration of Modern Neural Networks", 2017). To be fitted on other studies than
// those it is judged on. INVALID_ARGUMENT where there is no case.
absl::StatusOr<double> FitTemperature(absl::Span<const ClassProbabilities> probabilities,
                                      absl::Span<const Label> truth);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_CALIBRATION_H_
