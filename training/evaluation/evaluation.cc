// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/evaluation.h"

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "training/evaluation/cases.h"
#include "training/evaluation/groups.h"

namespace m3lung {
namespace {

// One ranking a class; none for a method without probabilities.
std::vector<Ranking> ClassRankings(const Cases& cases) {
  std::vector<Ranking> rankings;
  if (cases.probabilities.empty()) return rankings;
  for (const Label label : kLabels) {
    std::vector<ScoredCase> scored;
    for (size_t i = 0; i < cases.size(); ++i) {
      scored.push_back({cases.probabilities[i][static_cast<size_t>(label)], cases.truth[i] == label,
                        cases.study[i]});
    }
    rankings.emplace_back(std::move(scored));
  }
  return rankings;
}

// All figures of a method, and the place that each belongs to.
struct Place {
  std::function<std::optional<double>(const ConfusionMatrix&)> figure;
  Estimate* estimate;
};

std::vector<Place> CountedFigures(MethodEvaluation& method) {
  std::vector<Place> places = {
      {Accuracy, &method.accuracy},
      {FalsePositiveError, &method.false_positive_error},
      {FalseNegativeError, &method.false_negative_error},
      {FalseDiseasePredictionError, &method.false_disease_prediction_error},
  };
  for (const Label label : kLabels) {
    ClassEvaluation& one = method.classes[static_cast<size_t>(label)];
    places.push_back(
        {[label](const ConfusionMatrix& m) { return Sensitivity(m, label); }, &one.sensitivity});
    places.push_back(
        {[label](const ConfusionMatrix& m) { return Specificity(m, label); }, &one.specificity});
  }
  return places;
}

std::vector<StudyEvaluation> EvaluateStudies(const Predictions& predictions) {
  std::vector<StudyEvaluation> studies;
  for (const StudyPrediction& study : predictions.studies) studies.push_back({study, 0, {}});
  for (const SlicePrediction& slice : predictions.slices) {
    ++studies[static_cast<size_t>(slice.study)].slices;
  }
  std::vector<std::vector<ScoredCase>> lesions(studies.size());
  for (const ScoredCase& one : LesionCases(predictions)) {
    lesions[static_cast<size_t>(one.study)].push_back(one);
  }
  for (size_t i = 0; i < studies.size(); ++i) {
    studies[i].slice_lesion_area = Ranking(std::move(lesions[i])).AreaUnderCurve();
  }
  return studies;
}

absl::StatusOr<TemperatureEvaluation> EvaluateTemperature(const Predictions& fitted_on,
                                                          const Predictions& predictions) {
  std::set<std::string> names;
  for (const StudyPrediction& study : fitted_on.studies) names.insert(study.name);
  for (const StudyPrediction& study : predictions.studies) {
    if (names.count(study.name) > 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "study \"", study.name,
          "\" is among those to calibrate with and among those to evaluate; a temperature must be "
          "fitted on other studies, such as the split validation"));
    }
  }
  TemperatureEvaluation result;
  const Cases fit = PatientCases(fitted_on);
  M3L_ASSIGN_OR_RETURN(result.temperature, FitTemperature(fit.probabilities, fit.truth));
  result.fitted_on = static_cast<int>(fit.size());
  Cases judged = PatientCases(predictions);
  for (ClassProbabilities& p : judged.probabilities) p = WithTemperature(p, result.temperature);
  result.after = MeasureCalibration(judged.probabilities, judged.truth);
  return result;
}

std::optional<GroupEvaluation> EvaluateLungs(const Predictions& predictions, Lungs lungs,
                                             const EvaluationOptions& options) {
  const Predictions group = WithLungs(predictions, lungs);
  if (group.studies.empty()) return std::nullopt;
  return EvaluateGroup(
      group, Resamples(static_cast<int>(group.studies.size()), options.resamples, options.seed));
}

Figures AccuracyOf(const Cases& cases) {
  return [&cases](absl::Span<const int> weights) {
    return std::vector<std::optional<double>>{Accuracy(Confusion(cases, weights))};
  };
}

}  // namespace

MethodEvaluation EvaluateMethod(const Cases& cases, const Resamples& resamples) {
  MethodEvaluation method;
  method.cases = static_cast<int>(cases.size());
  method.confusion = Confusion(cases);
  const std::vector<Place> counted = CountedFigures(method);
  const std::vector<Ranking> rankings = ClassRankings(cases);
  const std::vector<Estimate> estimates = Bootstrap(
      [&](absl::Span<const int> weights) {
        std::vector<std::optional<double>> figures;
        figures.reserve(counted.size() + rankings.size());
        const ConfusionMatrix confusion = Confusion(cases, weights);
        for (const Place& place : counted) figures.push_back(place.figure(confusion));
        for (const Ranking& ranking : rankings) figures.push_back(ranking.AreaUnderCurve(weights));
        return figures;
      },
      resamples);
  for (size_t i = 0; i < counted.size(); ++i) *counted[i].estimate = estimates[i];
  for (size_t c = 0; c < rankings.size(); ++c) {
    method.classes[c].area_under_curve = estimates[counted.size() + c];
    method.classes[c].curve = rankings[c].Curve();
  }
  if (!cases.probabilities.empty()) {
    method.calibration = MeasureCalibration(cases.probabilities, cases.truth);
  }
  return method;
}

double AccuracyPValue(const Cases& one, const Cases& other, const Resamples& resamples) {
  return PairedPValue(AccuracyOf(one), AccuracyOf(other), resamples);
}

absl::StatusOr<Evaluation> Evaluate(const Predictions& predictions,
                                    const std::optional<MapResults>& maps,
                                    const EvaluationOptions& options) {
  if (predictions.studies.empty()) {
    return absl::InvalidArgumentError("there is no study to evaluate");
  }
  if (options.resamples < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the number of resamples must be positive; was ", options.resamples));
  }
  Evaluation evaluation;
  evaluation.resamples = options.resamples;
  evaluation.seed = options.seed;
  const Resamples resamples(static_cast<int>(predictions.studies.size()), options.resamples,
                            options.seed);

  static_cast<GroupEvaluation&>(evaluation) = EvaluateGroup(predictions, resamples);
  evaluation.real_lungs = EvaluateLungs(predictions, Lungs::kReal, options);
  evaluation.synthetic_lungs = EvaluateLungs(predictions, Lungs::kSynthetic, options);
  const Cases patients = PatientCases(predictions);
  if (const std::optional<Cases> counted = NonParametricCases(predictions)) {
    evaluation.non_parametric = EvaluateMethod(*counted, resamples);
    evaluation.p_value = AccuracyPValue(patients, *counted, resamples);
  }
  if (const Cases slices = SliceCases(predictions); slices.size() > 0) {
    evaluation.slices = EvaluateMethod(slices, resamples);
  }
  if (maps) evaluation.maps = SummariseMaps(maps->mapped, maps->lesion_slices, resamples);
  if (options.calibration != nullptr) {
    M3L_ASSIGN_OR_RETURN(evaluation.temperature,
                         EvaluateTemperature(*options.calibration, predictions));
  }
  evaluation.studies = EvaluateStudies(predictions);
  return evaluation;
}

}  // namespace m3lung
