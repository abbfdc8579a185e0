// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/compare_predictions.h"

#include <algorithm>
#include <cmath>

namespace m3lung {
namespace {

void Add(const ClassProbabilities& one, const ClassProbabilities& other, float further,
         float tolerance, AnswerDifference& sum) {
  float worst = further;
  for (int c = 0; c < kClasses; ++c) worst = std::max(worst, std::abs(one[c] - other[c]));
  ++sum.cases;
  sum.other_label += MostProbable(one) != MostProbable(other) ? 1 : 0;
  sum.beyond += worst > tolerance ? 1 : 0;
  sum.worst = std::max(sum.worst, worst);
}

}  // namespace

absl::StatusOr<PredictionsDifference> ComparePredictions(const Predictions& one,
                                                         const Predictions& other,
                                                         float tolerance) {
  const bool same_studies = std::equal(
      one.studies.begin(), one.studies.end(), other.studies.begin(), other.studies.end(),
      [](const StudyPrediction& a, const StudyPrediction& b) { return a.name == b.name; });
  const bool same_slices =
      std::equal(one.slices.begin(), one.slices.end(), other.slices.begin(), other.slices.end(),
                 [](const SlicePrediction& a, const SlicePrediction& b) {
                   return a.study == b.study && a.file == b.file;
                 });
  if (!same_studies || !same_slices) {
    return absl::InvalidArgumentError("the two predictions are of different studies or slices");
  }
  PredictionsDifference difference;
  for (size_t i = 0; i < one.slices.size(); ++i) {
    const float lesion =
        std::abs(one.slices[i].lesion_probability - other.slices[i].lesion_probability);
    Add(one.slices[i].probabilities, other.slices[i].probabilities, lesion, tolerance,
        difference.slices);
  }
  for (size_t i = 0; i < one.studies.size(); ++i) {
    Add(one.studies[i].probabilities, other.studies[i].probabilities, 0, tolerance,
        difference.studies);
  }
  return difference;
}

}  // namespace m3lung
