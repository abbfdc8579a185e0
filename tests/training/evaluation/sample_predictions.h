// SPDX-License-Identifier: Apache-2.0
// Predictions to evaluate, made up with a seed.
#ifndef M3LUNG_TESTS_TRAINING_EVALUATION_SAMPLE_PREDICTIONS_H_
#define M3LUNG_TESTS_TRAINING_EVALUATION_SAMPLE_PREDICTIONS_H_

#include <cmath>
#include <cstdint>
#include <string>

#include "base/random.h"
#include "training/evaluation/predictions.h"

namespace m3lung::testing {

// Softmax of normal numbers, with `skill` added for the truth.
inline ClassProbabilities Guess(Random& random, Label truth, double skill) {
  ClassProbabilities guess;
  float sum = 0;
  for (const Label label : kLabels) {
    float& p = guess[static_cast<size_t>(label)];
    p = static_cast<float>(std::exp(random.Normal(label == truth ? skill : 0, 1)));
    sum += p;
  }
  for (float& p : guess) p /= sum;
  return guess;
}

// `studies` of the four classes in turn, each of ten slices; of a diseased study
// every second one shows a lesion, and one is of unknown truth.
inline Predictions SamplePredictions(int studies, double skill, uint64_t seed) {
  Random random(seed);
  Predictions predictions;
  for (int i = 0; i < studies; ++i) {
    const auto truth = static_cast<Label>(i % kClasses);
    StudyPrediction& study = predictions.studies.emplace_back();
    study.name = "study-" + std::to_string(i);
    study.truth = truth;
    study.probabilities = Guess(random, truth, skill);
    study.non_parametric = MostProbable(Guess(random, truth, skill));
    for (int k = 0; k < 10; ++k) {
      SlicePrediction& slice = predictions.slices.emplace_back();
      slice.study = i;
      slice.file = std::to_string(k) + ".dcm";
      slice.position_mm = 100 - 2.5 * k;
      slice.lesion = truth != Label::kHealthy && k % 2 == 1;
      slice.probabilities = Guess(random, *slice.lesion ? truth : Label::kHealthy, skill);
      slice.lesion_probability = static_cast<float>(
          1 / (1 + std::exp(-random.Normal(*slice.lesion ? skill : -skill, 1.5))));
      if (truth != Label::kHealthy && k == 8) slice.lesion.reset();
    }
  }
  return predictions;
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TRAINING_EVALUATION_SAMPLE_PREDICTIONS_H_
