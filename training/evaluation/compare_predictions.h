// SPDX-License-Identifier: Apache-2.0
// How far the answers of one model, computed in two ways, lie apart.
#ifndef M3LUNG_TRAINING_EVALUATION_COMPARE_PREDICTIONS_H_
#define M3LUNG_TRAINING_EVALUATION_COMPARE_PREDICTIONS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "training/evaluation/predictions.h"

namespace m3lung {

// Over cases, each a slice or a study.
struct AnswerDifference {
  int64_t cases = 0;
  int64_t other_label = 0;  // cases
  int64_t beyond = 0;       // cases that differ by more than the tolerance in some probability
  float worst = 0;          // difference of one probability
};

struct PredictionsDifference {
  AnswerDifference slices;   // class probabilities and the lesion probability
  AnswerDifference studies;  // of the patient network

  // Not a label is another, and no probability differs by more than the tolerance.
  bool IsWithin() const {
    return slices.other_label + slices.beyond + studies.other_label + studies.beyond == 0;
  }
};

// INVALID_ARGUMENT where the two are not of the same studies and slices.
absl::StatusOr<PredictionsDifference> ComparePredictions(const Predictions& one,
                                                         const Predictions& other, float tolerance);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_COMPARE_PREDICTIONS_H_
