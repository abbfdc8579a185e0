// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/groups.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "training/evaluation/cases.h"

namespace m3lung {
namespace {

int DistinctPatients(const Predictions& predictions) {
  std::set<std::pair<bool, std::string>> patients;  // apart from studies of nobody else's
  for (const StudyPrediction& study : predictions.studies) {
    const bool named = !study.patient.empty();
    patients.emplace(named, named ? study.patient : study.name);
  }
  return static_cast<int>(patients.size());
}

LesionEvaluation EvaluateLesions(std::vector<ScoredCase> cases, const Resamples& resamples) {
  LesionEvaluation lesions;
  for (const ScoredCase& one : cases) ++(one.positive ? lesions.with : lesions.without);
  const Ranking ranking(std::move(cases));
  const std::vector<Estimate> estimates = Bootstrap(
      [&](absl::Span<const int> weights) -> std::vector<std::optional<double>> {
        return {ranking.AreaUnderCurve(weights), ranking.AveragePrecision(weights)};
      },
      resamples);
  lesions.area_under_curve = estimates[0];
  lesions.average_precision = estimates[1];
  lesions.curve = ranking.Curve();
  return lesions;
}

// How often something is so of a study's cases.
struct Tally {
  int64_t cases = 0;
  int64_t hits = 0;
};

std::optional<double> ShareOf(const std::vector<Tally>& by_study, absl::Span<const int> weights) {
  Tally sum;
  for (size_t i = 0; i < by_study.size(); ++i) {
    const int64_t weight = weights.empty() ? 1 : weights[i];
    sum.cases += weight * by_study[i].cases;
    sum.hits += weight * by_study[i].hits;
  }
  if (sum.cases == 0) return std::nullopt;
  return static_cast<double>(sum.hits) / static_cast<double>(sum.cases);
}

// Of each study without pneumonia: whether it is called by a disease, and confidently.
std::vector<Tally> ConfidentMistakes(const Predictions& predictions) {
  std::vector<Tally> by_study(predictions.studies.size());
  for (size_t i = 0; i < by_study.size(); ++i) {
    const StudyPrediction& study = predictions.studies[i];
    if (study.truth != Label::kHealthy) continue;
    const Label called = MostProbable(study.probabilities);
    const bool confident =
        study.probabilities[static_cast<size_t>(called)] >= kConfidentProbability;
    by_study[i] = {1, called != Label::kHealthy && confident ? 1 : 0};
  }
  return by_study;
}

// The slices of studies without pneumonia, and which of them are called Healthy.
std::vector<Tally> HealthySlices(const Predictions& predictions) {
  std::vector<Tally> by_study(predictions.studies.size());
  for (const SlicePrediction& slice : predictions.slices) {
    const auto study = static_cast<size_t>(slice.study);
    if (predictions.studies[study].truth != Label::kHealthy) continue;
    ++by_study[study].cases;
    by_study[study].hits += MostProbable(slice.probabilities) == Label::kHealthy ? 1 : 0;
  }
  return by_study;
}

}  // namespace

Predictions WithLungs(const Predictions& predictions, Lungs lungs) {
  Predictions group;
  std::vector<std::optional<int>> place(predictions.studies.size());
  for (size_t i = 0; i < place.size(); ++i) {
    if (predictions.studies[i].lungs != lungs) continue;
    place[i] = static_cast<int>(group.studies.size());
    group.studies.push_back(predictions.studies[i]);
  }
  for (const SlicePrediction& slice : predictions.slices) {
    const std::optional<int> study = place[static_cast<size_t>(slice.study)];
    if (!study) continue;
    group.slices.push_back(slice);
    group.slices.back().study = *study;
  }
  return group;
}

GroupEvaluation EvaluateGroup(const Predictions& predictions, const Resamples& resamples) {
  GroupEvaluation group;
  group.distinct_patients = DistinctPatients(predictions);
  const Cases patients = PatientCases(predictions);
  group.patients = EvaluateMethod(patients, resamples);
  group.risk_coverage = MeasureRiskCoverage(patients, resamples);
  if (std::vector<ScoredCase> lesions = LesionCases(predictions); !lesions.empty()) {
    group.lesions = EvaluateLesions(std::move(lesions), resamples);
  }
  const std::vector<Tally> confident = ConfidentMistakes(predictions),
                           slices = HealthySlices(predictions);
  const std::vector<Estimate> shares = Bootstrap(
      [&](absl::Span<const int> weights) -> std::vector<std::optional<double>> {
        return {ShareOf(confident, weights), ShareOf(slices, weights)};
      },
      resamples);
  group.confidently_wrong = shares[0];
  group.healthy_slices = shares[1];
  return group;
}

std::vector<NamedGroup> NamedGroups(const Evaluation& evaluation) {
  std::vector<NamedGroup> groups = {{"All studies", &evaluation}};
  if (evaluation.real_lungs) groups.emplace_back("Real lungs", &*evaluation.real_lungs);
  if (evaluation.synthetic_lungs) {
    groups.emplace_back("Synthetic lungs", &*evaluation.synthetic_lungs);
  }
  return groups;
}

}  // namespace m3lung
