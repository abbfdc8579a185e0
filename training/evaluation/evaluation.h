// SPDX-License-Identifier: Apache-2.0
// Everything that is said of a model on a test set.
#ifndef M3LUNG_TRAINING_EVALUATION_EVALUATION_H_
#define M3LUNG_TRAINING_EVALUATION_EVALUATION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "training/evaluation/bootstrap.h"
#include "training/evaluation/calibration.h"
#include "training/evaluation/map_scores.h"
#include "training/evaluation/metrics.h"
#include "training/evaluation/predictions.h"
#include "training/evaluation/ranking.h"
#include "training/evaluation/risk_coverage.h"

namespace m3lung {

struct ClassEvaluation {
  Estimate sensitivity;
  Estimate specificity;
  Estimate area_under_curve;    // one class against the rest
  std::vector<RocPoint> curve;  // empty where the area has no value
};

// Of one method, on studies or on slices. What needs probabilities has no value for
// a method that names labels alone.
struct MethodEvaluation {
  int cases = 0;
  ConfusionMatrix confusion = {};
  std::array<ClassEvaluation, kClasses> classes;
  Estimate accuracy;
  Estimate false_positive_error;
  Estimate false_negative_error;
  Estimate false_disease_prediction_error;
  std::optional<Calibration> calibration;
};

// Slices with lesions told from slices without, by the lesion probability alone.
struct LesionEvaluation {
  int with = 0;
  int without = 0;
  Estimate area_under_curve;
  Estimate average_precision;
  std::vector<RocPoint> curve;
};

struct StudyEvaluation {
  StudyPrediction prediction;
  int slices = 0;                           // that were scored
  std::optional<double> slice_lesion_area;  // area under the curve of its own slices
};

// A temperature from other studies, and what it does to these.
struct TemperatureEvaluation {
  double temperature = 1;
  int fitted_on = 0;  // studies
  Calibration after;  // of the patient network's probabilities
};

// What was found of maps, before anything is drawn from it.
struct MapResults {
  int lesion_slices = 0;          // that show a lesion
  std::vector<MapResult> mapped;  // those of them that were called so
};

// From this probability on an answer is a confident one.
inline constexpr float kConfidentProbability = 0.9F;

// Of all studies, or of those of one kind of lungs.
struct GroupEvaluation {
  // Those whose studies these are. Studies of one patient resemble each other, so that intervals
  // over studies are too narrow where there are fewer patients.
  int distinct_patients = 0;
  MethodEvaluation patients;  // the patient network
  RiskCoverage risk_coverage;
  // Of the studies without pneumonia, those called by a disease with at least
  // kConfidentProbability.
  Estimate confidently_wrong;
  std::optional<LesionEvaluation> lesions;
  // Of the slices of studies without pneumonia, those called Healthy.
  Estimate healthy_slices;
};

// As a group: all studies.
struct Evaluation : GroupEvaluation {
  int resamples = 0;
  uint64_t seed = 0;

  // Those of which it is stated; none where there is no such study. Resampled by themselves.
  std::optional<GroupEvaluation> real_lungs;
  std::optional<GroupEvaluation> synthetic_lungs;
  std::optional<MethodEvaluation> non_parametric;
  // That the accuracies of the two are the same.
  std::optional<double> p_value;
  std::optional<MethodEvaluation> slices;
  std::optional<MapScores> maps;
  std::optional<TemperatureEvaluation> temperature;
  std::vector<StudyEvaluation> studies;
};

struct EvaluationOptions {
  int resamples = 1000;  // the paper's m
  uint64_t seed = 1;
  // Of studies that a temperature is fitted on; none: no temperature.
  const Predictions* calibration = nullptr;
};

// Evaluates `predictions`, and the maps where there are any. INVALID_ARGUMENT where
// there is no study, where the number of resamples is not positive, or where a study
// to calibrate with is one of those that are evaluated.
absl::StatusOr<Evaluation> Evaluate(const Predictions& predictions,
                                    const std::optional<MapResults>& maps,
                                    const EvaluationOptions& options);

// The p-value of the difference in accuracy of two methods, as ablations compare
// them. REQUIRES: the same cases in the same order; resamples of their studies.
double AccuracyPValue(const Cases& one, const Cases& other, const Resamples& resamples);

// One method's figures with their intervals. REQUIRES: resamples of their studies.
MethodEvaluation EvaluateMethod(const Cases& cases, const Resamples& resamples);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_EVALUATION_H_
