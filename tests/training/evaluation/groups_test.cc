// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/groups.h"

#include <string>
#include <utility>

#include "nlohmann/json.hpp"
#include "tests/testing/status_matchers.h"
#include "tests/training/evaluation/sample_predictions.h"
#include "training/evaluation/evaluation_json.h"
#include "training/evaluation/evaluation_page.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::SamplePredictions;

Evaluation EvaluateWithLungs(const Predictions& predictions) {
  absl::StatusOr<Evaluation> evaluation = Evaluate(predictions, std::nullopt, {.resamples = 50});
  EXPECT_THAT(evaluation, IsOk());
  return *std::move(evaluation);
}

// The first `real` studies have real lungs and are of one patient, the next `synthetic` have
// synthetic ones.
Predictions SampleWithLungs(int studies, int real, int synthetic) {
  Predictions predictions = SamplePredictions(studies, 1, 1);
  for (int i = 0; i < real + synthetic; ++i) {
    StudyPrediction& study = predictions.studies[static_cast<size_t>(i)];
    study.lungs = i < real ? Lungs::kReal : Lungs::kSynthetic;
    if (i < real) study.patient = "background-1";
  }
  return predictions;
}

TEST(WithLungsTest, KeepsStudiesAndTheirOwnSlices) {
  const Predictions predictions = SampleWithLungs(12, 4, 6);
  const Predictions group = WithLungs(predictions, Lungs::kSynthetic);
  ASSERT_EQ(group.studies.size(), 6U);
  ASSERT_EQ(group.slices.size(), 60U);
  for (size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(group.slices[i].study, predictions.slices[40 + i].study - 4);
    EXPECT_EQ(group.slices[i].lesion_probability, predictions.slices[40 + i].lesion_probability);
  }
}

TEST(EvaluateGroupTest, CountsWhoIsConfidentlyWrong) {
  Predictions predictions;
  const std::pair<Label, ClassProbabilities> studies[] = {
      {Label::kHealthy, {0.1F, 0.9F, 0, 0}},    // confidently wrong
      {Label::kHealthy, {0.11F, 0.89F, 0, 0}},  // wrong
      {Label::kHealthy, {1, 0, 0, 0}},          // confidently right
      {Label::kHealthy, {0, 0, 0.05F, 0.95F}},  // confidently wrong
      {Label::kCap, {0, 1, 0, 0}},              // with pneumonia
  };
  for (const auto& [truth, probabilities] : studies) {
    StudyPrediction& study = predictions.studies.emplace_back();
    study.name = std::to_string(predictions.studies.size());
    study.truth = truth;
    study.probabilities = probabilities;
    for (int i = 0; i < 4; ++i) {
      SlicePrediction& slice = predictions.slices.emplace_back();
      slice.study = static_cast<int>(predictions.studies.size()) - 1;
      slice.lesion = false;
      slice.probabilities =
          i == 0 ? ClassProbabilities{0, 1, 0, 0} : ClassProbabilities{1, 0, 0, 0};
    }
  }
  // Those of the study with pneumonia count for nothing, lesion-free as they are.
  for (size_t i = 16; i < 20; ++i) predictions.slices[i].probabilities = {0, 0, 0, 1};
  const GroupEvaluation group = EvaluateGroup(predictions, Resamples(5, 50, 1));
  EXPECT_DOUBLE_EQ(*group.confidently_wrong.value, 0.5);
  EXPECT_DOUBLE_EQ(*group.healthy_slices.value, 0.75);
  EXPECT_DOUBLE_EQ(*group.patients.classes[0].sensitivity.value, 0.25);
  EXPECT_EQ(group.distinct_patients, 5);
}

TEST(EvaluateLungsTest, AGroupIsWhatItWouldBeByItself) {
  const Predictions predictions = SampleWithLungs(40, 16, 20);
  const Evaluation evaluation = EvaluateWithLungs(predictions);
  ASSERT_TRUE(evaluation.real_lungs.has_value());
  ASSERT_TRUE(evaluation.synthetic_lungs.has_value());
  EXPECT_EQ(evaluation.real_lungs->patients.cases, 16);
  EXPECT_EQ(evaluation.real_lungs->distinct_patients, 1);
  EXPECT_EQ(evaluation.synthetic_lungs->distinct_patients, 20);
  EXPECT_EQ(evaluation.distinct_patients, 25);
  const Evaluation alone = EvaluateWithLungs(WithLungs(predictions, Lungs::kReal));
  const auto whole = nlohmann::json::parse(EvaluationJson(evaluation, {}));
  const auto real = nlohmann::json::parse(EvaluationJson(alone, {}));
  const auto& group = whole["by_lungs"]["real"];
  for (const char* name : {"network", "distinct_patients", "confidently_wrong", "risk_coverage"}) {
    EXPECT_EQ(group["patients"][name], real["patients"][name]) << name;
  }
  EXPECT_EQ(group["lesions"], real["lesions"]);
  EXPECT_EQ(group["healthy_slices"], real["healthy_slices"]);
  EXPECT_EQ(whole["studies"][0]["lungs"], "real");
  EXPECT_TRUE(whole["studies"][39]["lungs"].is_null());
}

TEST(EvaluateLungsTest, AGroupOfOneClassHasWhatThatClassTells) {
  Predictions predictions = SampleWithLungs(16, 0, 0);
  for (StudyPrediction& study : predictions.studies) {
    study.lungs = study.truth == Label::kCap ? Lungs::kReal : Lungs::kSynthetic;
  }
  const Evaluation evaluation = EvaluateWithLungs(predictions);
  const GroupEvaluation& real = *evaluation.real_lungs;
  EXPECT_EQ(real.patients.cases, 4);
  EXPECT_TRUE(real.patients.accuracy.value.has_value());
  EXPECT_FALSE(real.confidently_wrong.value.has_value());
  EXPECT_FALSE(real.healthy_slices.value.has_value());
  for (const ClassEvaluation& one : real.patients.classes) {
    EXPECT_FALSE(one.area_under_curve.value.has_value());
  }
  EXPECT_THAT(EvaluationPage(evaluation, {}), Not(HasSubstr("nan")));
}

TEST(EvaluateLungsTest, AnEmptyGroupIsNone) {
  const Evaluation evaluation = EvaluateWithLungs(SampleWithLungs(8, 0, 8));
  EXPECT_FALSE(evaluation.real_lungs.has_value());
  EXPECT_TRUE(evaluation.synthetic_lungs.has_value());
  const auto json = nlohmann::json::parse(EvaluationJson(evaluation, {}));
  EXPECT_TRUE(json["by_lungs"]["real"].is_null());
  EXPECT_THAT(EvaluationPage(evaluation, {}),
              AllOf(HasSubstr("Synthetic lungs"), Not(HasSubstr("Real lungs"))));
}

TEST(LungsPageTest, SaysWhatIsNotStatedAndWhatIsNotIndependent) {
  EXPECT_THAT(EvaluationPage(EvaluateWithLungs(SampleWithLungs(8, 0, 0)), {}),
              AllOf(HasSubstr("The data do not state"), Not(HasSubstr("not independent"))));
  EXPECT_THAT(EvaluationPage(EvaluateWithLungs(SampleWithLungs(8, 4, 1)), {}),
              AllOf(HasSubstr("Of 3 studies it is not stated"), HasSubstr("not independent")));
  EXPECT_THAT(EvaluationPage(EvaluateWithLungs(SampleWithLungs(8, 1, 7)), {}),
              AllOf(Not(HasSubstr("not stated")), Not(HasSubstr("not independent"))));
}

TEST(LungsPageTest, TellsHowManyStudiesAFigureIsOf) {
  // Of eight real studies of one patient two are without pneumonia.
  EXPECT_THAT(EvaluationPage(EvaluateWithLungs(SampleWithLungs(12, 8, 4)), {}),
              HasSubstr("<td>Real lungs</td><td class=\"number\">8</td>"
                        "<td class=\"number\">1</td><td class=\"number\">2</td>"));
}

TEST(LungsPageTest, ShowsRiskAgainstCoverage) {
  const std::string page = EvaluationPage(EvaluateWithLungs(SampleWithLungs(8, 4, 4)), {});
  EXPECT_THAT(page, AllOf(HasSubstr("Patients: risk against coverage"), HasSubstr("<td>90 %</td>"),
                          HasSubstr("Patients: Real lungs")));
}

}  // namespace
}  // namespace m3lung
