// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/evaluation_json.h"

#include "nlohmann/json.hpp"

namespace m3lung {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json ToJson(const Estimate& estimate) {
  Json json = {{"value", ToJson(estimate.value)}, {"low", nullptr}, {"high", nullptr}};
  if (estimate.interval) {
    json["low"] = estimate.interval->low;
    json["high"] = estimate.interval->high;
  }
  return json;
}

Json ToJson(const std::vector<RocPoint>& curve) {
  Json json = Json::array();
  for (const RocPoint& point : curve) {
    json.push_back({point.false_positive_rate, point.true_positive_rate});
  }
  return json;
}

Json ToJson(const Calibration& calibration) {
  Json bins = Json::array();
  for (const ReliabilityBin& bin : calibration.bins) {
    Json& json =
        bins.emplace_back(Json{{"low", bin.low}, {"high", bin.high}, {"cases", bin.cases}});
    json["mean_confidence"] = bin.cases > 0 ? Json(bin.mean_confidence) : Json();
    json["accuracy"] = bin.cases > 0 ? Json(bin.accuracy) : Json();
  }
  return {{"expected_calibration_error", calibration.expected_error},
          {"brier", calibration.brier},
          {"log_loss", calibration.log_loss},
          {"bins", bins}};
}

Json ToJson(const MethodEvaluation& method) {
  Json json = {
      {"cases", method.cases},
      {"accuracy", ToJson(method.accuracy)},
      {"false_positive_error", ToJson(method.false_positive_error)},
      {"false_negative_error", ToJson(method.false_negative_error)},
      {"false_disease_prediction_error", ToJson(method.false_disease_prediction_error)},
      {"confusion", method.confusion},
      {"classes", Json::object()},
      {"calibration", method.calibration ? ToJson(*method.calibration) : Json()},
  };
  for (const Label label : kLabels) {
    const ClassEvaluation& one = method.classes[static_cast<size_t>(label)];
    json["classes"][std::string(LabelName(label))] = {{"sensitivity", ToJson(one.sensitivity)},
                                                      {"specificity", ToJson(one.specificity)},
                                                      {"auc", ToJson(one.area_under_curve)},
                                                      {"roc", ToJson(one.curve)}};
  }
  return json;
}

Json ToJson(const LesionEvaluation& lesions) {
  return {{"slices_with", lesions.with},
          {"slices_without", lesions.without},
          {"auc", ToJson(lesions.area_under_curve)},
          {"average_precision", ToJson(lesions.average_precision)},
          {"roc", ToJson(lesions.curve)}};
}

Json ToJson(const MapScores& maps) {
  return {{"lesion_slices", maps.lesion_slices},
          {"mapped_slices", maps.mapped_slices},
          {"pointing_game", ToJson(maps.pointing)},
          {"intersection_over_union", ToJson(maps.overlap)},
          {"threshold", maps.threshold},
          {"average_precision", ToJson(maps.average_precision)},
          {"average_precision_by_chance", maps.chance_precision}};
}

Json ToJson(const TemperatureEvaluation& temperature) {
  return {{"temperature", temperature.temperature},
          {"fitted_on_studies", temperature.fitted_on},
          {"calibration", ToJson(temperature.after)}};
}

Json ToJson(const RiskCoverage& risk) {
  Json curve = Json::array(), table = Json::array();
  for (const RiskPoint& point : risk.curve) {
    curve.push_back({point.coverage, point.risk, point.confidence});
  }
  for (const RiskAtCoverage& row : risk.table) {
    table.push_back({{"coverage", row.asked},
                     {"reached", row.reached.coverage},
                     {"confidence", row.reached.confidence},
                     {"risk", ToJson(row.risk)}});
  }
  return {{"area", ToJson(risk.area)}, {"at_coverage", table}, {"curve", curve}};
}

Json ToJson(const StudyEvaluation& study) {
  const StudyPrediction& prediction = study.prediction;
  return {{"study", prediction.name},
          {"label", std::string(LabelName(prediction.truth))},
          {"lungs", prediction.lungs ? Json(std::string(LungsName(*prediction.lungs))) : Json()},
          {"predicted", std::string(LabelName(MostProbable(prediction.probabilities)))},
          {"probabilities", prediction.probabilities},
          {"non_parametric", prediction.non_parametric
                                 ? Json(std::string(LabelName(*prediction.non_parametric)))
                                 : Json()},
          {"slices", study.slices},
          {"slice_lesion_auc", ToJson(study.slice_lesion_area)}};
}

template <typename T>
Json ToJson(const std::optional<T>& value) {
  return value ? ToJson(*value) : Json();
}

// What every group has, under "patients".
Json PatientsJson(const GroupEvaluation& group) {
  return {{"network", ToJson(group.patients)},
          {"distinct_patients", group.distinct_patients},
          {"confidently_wrong", ToJson(group.confidently_wrong)},
          {"risk_coverage", ToJson(group.risk_coverage)}};
}

Json ToJson(const GroupEvaluation& group) {
  return {{"patients", PatientsJson(group)},
          {"lesions", ToJson(group.lesions)},
          {"healthy_slices", ToJson(group.healthy_slices)}};
}

}  // namespace

std::string EvaluationJson(const Evaluation& evaluation, const EvaluationFacts& facts) {
  Json json = {
      {"notice", "Research use only. Not a medical device, not for diagnosis."},
      {"data", facts.data},
      {"model", facts.model},
      {"model_digest", facts.model_digest},
      {"training_data", facts.training_data},
      {"command", facts.command},
      {"resamples", evaluation.resamples},
      {"seed", evaluation.seed},
      {"patients", PatientsJson(evaluation)},
      {"slices", ToJson(evaluation.slices)},
      {"lesions", ToJson(evaluation.lesions)},
      {"healthy_slices", ToJson(evaluation.healthy_slices)},
      {"by_lungs",
       {{"real", evaluation.real_lungs ? ToJson(*evaluation.real_lungs) : Json()},
        {"synthetic", evaluation.synthetic_lungs ? ToJson(*evaluation.synthetic_lungs) : Json()}}},
      {"maps", ToJson(evaluation.maps)},
      {"temperature", ToJson(evaluation.temperature)},
      {"studies", Json::array()},
  };
  json["patients"]["non_parametric"] = ToJson(evaluation.non_parametric);
  json["patients"]["accuracy_p_value"] = ToJson(evaluation.p_value);
  for (const StudyEvaluation& study : evaluation.studies) json["studies"].push_back(ToJson(study));
  return json.dump(1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

}  // namespace m3lung
