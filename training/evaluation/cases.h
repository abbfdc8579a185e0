// SPDX-License-Identifier: Apache-2.0
// What one method says of a set of cases, be they studies or slices.
#ifndef M3LUNG_TRAINING_EVALUATION_CASES_H_
#define M3LUNG_TRAINING_EVALUATION_CASES_H_

#include <optional>
#include <vector>

#include "model/engine/inference.h"
#include "training/evaluation/predictions.h"
#include "training/evaluation/ranking.h"

namespace m3lung {

// Column by column, all of one length.
struct Cases {
  std::vector<Label> truth;
  std::vector<Label> predicted;
  std::vector<ClassProbabilities> probabilities;  // empty where a method names a label alone
  std::vector<int> study;                         // index into Predictions::studies

  size_t size() const { return truth.size(); }
};

// The patient network's word on each study.
Cases PatientCases(const Predictions& predictions);

// The assessment without parameters of each study; nothing where one has none.
std::optional<Cases> NonParametricCases(const Predictions& predictions);

// Each slice whose truth is known: Healthy where it shows no lesion, else its
// study's label. A slice of a Healthy study is Healthy; one of another study of
// which nobody has said whether it shows a lesion is left out.
Cases SliceCases(const Predictions& predictions);

// The same slices by their lesion probability; positive: shows a lesion.
std::vector<ScoredCase> LesionCases(const Predictions& predictions);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_CASES_H_
