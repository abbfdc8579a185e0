// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/cases.h"

namespace m3lung {
namespace {

std::optional<bool> ShowsLesion(const Predictions& predictions, const SlicePrediction& slice) {
  if (slice.lesion) return slice.lesion;
  const Label study = predictions.studies[static_cast<size_t>(slice.study)].truth;
  return study == Label::kHealthy ? std::optional<bool>(false) : std::nullopt;
}

}  // namespace

Cases PatientCases(const Predictions& predictions) {
  Cases cases;
  for (const StudyPrediction& study : predictions.studies) {
    cases.study.push_back(static_cast<int>(cases.size()));
    cases.truth.push_back(study.truth);
    cases.predicted.push_back(MostProbable(study.probabilities));
    cases.probabilities.push_back(study.probabilities);
  }
  return cases;
}

std::optional<Cases> NonParametricCases(const Predictions& predictions) {
  Cases cases;
  for (const StudyPrediction& study : predictions.studies) {
    if (!study.non_parametric) return std::nullopt;
    cases.study.push_back(static_cast<int>(cases.size()));
    cases.truth.push_back(study.truth);
    cases.predicted.push_back(*study.non_parametric);
  }
  return cases;
}

Cases SliceCases(const Predictions& predictions) {
  Cases cases;
  for (const SlicePrediction& slice : predictions.slices) {
    const std::optional<bool> lesion = ShowsLesion(predictions, slice);
    if (!lesion) continue;
    const Label study = predictions.studies[static_cast<size_t>(slice.study)].truth;
    cases.truth.push_back(*lesion ? study : Label::kHealthy);
    cases.predicted.push_back(MostProbable(slice.probabilities));
    cases.probabilities.push_back(slice.probabilities);
    cases.study.push_back(slice.study);
  }
  return cases;
}

std::vector<ScoredCase> LesionCases(const Predictions& predictions) {
  std::vector<ScoredCase> cases;
  for (const SlicePrediction& slice : predictions.slices) {
    if (const std::optional<bool> lesion = ShowsLesion(predictions, slice)) {
      cases.push_back({slice.lesion_probability, *lesion, slice.study});
    }
  }
  return cases;
}

}  // namespace m3lung
