// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/evaluation.h"

#include "base/files.h"
#include "nlohmann/json.hpp"
#include "opencv2/imgcodecs.hpp"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "tests/training/evaluation/sample_predictions.h"
#include "training/evaluation/curves.h"
#include "training/evaluation/evaluation_json.h"
#include "training/evaluation/evaluation_page.h"
#include "training/evaluation/write_evaluation.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::SamplePredictions;
using testing::StatusIs;

Evaluation EvaluateSample(const Predictions& predictions,
                          const std::optional<MapResults>& maps = std::nullopt,
                          const Predictions* calibration = nullptr) {
  EvaluationOptions options;
  options.resamples = 100;
  options.calibration = calibration;
  absl::StatusOr<Evaluation> evaluation = Evaluate(predictions, maps, options);
  EXPECT_THAT(evaluation, IsOk());
  return *std::move(evaluation);
}

TEST(EvaluateTest, TakesSlicesWhoseTruthIsKnown) {
  // Of each four studies the Healthy one has ten slices of known truth, the others
  // nine, five of them with a lesion.
  const Evaluation evaluation = EvaluateSample(SamplePredictions(16, 1, 1));
  EXPECT_EQ(evaluation.patients.cases, 16);
  ASSERT_TRUE(evaluation.slices.has_value());
  EXPECT_EQ(evaluation.slices->cases, 4 * (10 + 3 * 9));
  EXPECT_EQ(evaluation.lesions->with, 4 * 3 * 5);
  EXPECT_EQ(evaluation.lesions->without, 4 * (10 + 3 * 4));
  int64_t healthy = 0;
  for (const int64_t count : evaluation.slices->confusion[0]) healthy += count;
  EXPECT_EQ(healthy, evaluation.lesions->without);
}

TEST(EvaluateTest, ASliceOfAHealthyStudyIsHealthyWithoutSliceLabels) {
  Predictions predictions = SamplePredictions(8, 1, 1);
  for (SlicePrediction& slice : predictions.slices) slice.lesion.reset();
  const Evaluation evaluation = EvaluateSample(predictions);
  EXPECT_EQ(evaluation.slices->cases, 2 * 10);
  EXPECT_FALSE(evaluation.lesions->area_under_curve.value.has_value());
  EXPECT_TRUE(evaluation.lesions->curve.empty());
}

TEST(EvaluateTest, ComparesTheNetworkWithTheCountedLabel) {
  Predictions predictions = SamplePredictions(80, 6, 1);
  for (StudyPrediction& study : predictions.studies) study.non_parametric = Label::kHealthy;
  Evaluation evaluation = EvaluateSample(predictions);
  EXPECT_DOUBLE_EQ(*evaluation.non_parametric->accuracy.value, 0.25);
  EXPECT_LT(*evaluation.p_value, 0.05);
  EXPECT_FALSE(evaluation.non_parametric->classes[0].area_under_curve.value.has_value());
  EXPECT_FALSE(evaluation.non_parametric->calibration.has_value());

  predictions.studies[7].non_parametric.reset();
  evaluation = EvaluateSample(predictions);
  EXPECT_FALSE(evaluation.non_parametric.has_value());
  EXPECT_FALSE(evaluation.p_value.has_value());
}

TEST(EvaluateTest, RepeatsItself) {
  const Predictions predictions = SamplePredictions(40, 1, 3);
  EXPECT_EQ(EvaluationJson(EvaluateSample(predictions), {}),
            EvaluationJson(EvaluateSample(predictions), {}));
}

TEST(EvaluateTest, TellsEachStudysOwnSlicesApart) {
  Predictions predictions = SamplePredictions(4, 1, 3);
  for (SlicePrediction& slice : predictions.slices) {
    slice.lesion_probability = slice.lesion.value_or(true) ? 0.9F : 0.1F;
  }
  const Evaluation evaluation = EvaluateSample(predictions);
  EXPECT_FALSE(evaluation.studies[0].slice_lesion_area.has_value());  // Healthy
  EXPECT_EQ(evaluation.studies[1].slice_lesion_area, 1.0);
  EXPECT_EQ(evaluation.studies[1].slices, 10);
}

TEST(EvaluateTest, RefusesToCalibrateOnWhatItJudges) {
  const Predictions predictions = SamplePredictions(8, 1, 1);
  EvaluationOptions options;
  options.calibration = &predictions;
  EXPECT_THAT(Evaluate(predictions, std::nullopt, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("\"study-0\""), HasSubstr("split validation"))));
}

TEST(EvaluateTest, RefusesNothingToDo) {
  EXPECT_THAT(Evaluate({}, std::nullopt, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no study")));
  EXPECT_THAT(Evaluate(SamplePredictions(4, 1, 1), std::nullopt, {.resamples = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("was 0")));
}

Predictions WithPrefix(Predictions predictions, const std::string& prefix) {
  for (StudyPrediction& study : predictions.studies) study.name = prefix + study.name;
  return predictions;
}

TEST(EvaluateTest, ATemperatureMendsProbabilitiesThatAreTooSure) {
  Predictions fit = WithPrefix(SamplePredictions(400, 1, 1), "validation-");
  Predictions judged = SamplePredictions(400, 1, 2);
  for (Predictions* set : {&fit, &judged}) {
    for (StudyPrediction& study : set->studies) {
      study.probabilities = WithTemperature(study.probabilities, 0.25);
    }
  }
  const Evaluation evaluation = EvaluateSample(judged, std::nullopt, &fit);
  ASSERT_TRUE(evaluation.temperature.has_value());
  EXPECT_GT(evaluation.temperature->temperature, 2);
  EXPECT_LT(evaluation.temperature->after.log_loss,
            0.7 * evaluation.patients.calibration->log_loss);
  EXPECT_LT(evaluation.temperature->after.expected_error,
            0.5 * evaluation.patients.calibration->expected_error);
}

MapResults SampleMaps() {
  MapResults maps;
  maps.lesion_slices = 7;
  MapResult& one = maps.mapped.emplace_back();
  one.study = 1;
  one.hit = true;
  one.average_precision = 0.625;
  one.overlap[30] = 0.5;
  return maps;
}

TEST(EvaluationPageTest, EscapesWhatCameFromElsewhere) {
  Predictions predictions = SamplePredictions(8, -3, 1);  // mostly wrong
  predictions.studies[0].name = "<script>alert('x')</script>";
  predictions.studies[0].probabilities = {0, 1, 0, 0};
  EvaluationFacts facts;
  facts.data = "a & b";
  facts.model = "\"<m>\"";
  const std::string page = EvaluationPage(EvaluateSample(predictions), facts);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("<td>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</td>"));
  EXPECT_THAT(page, HasSubstr("<dt>Data</dt><dd>a &amp; b</dd>"));
  EXPECT_THAT(page, HasSubstr("&quot;&lt;m&gt;&quot;"));
}

TEST(EvaluationPageTest, ShowsADashForWhatIsNotThere) {
  Predictions predictions = SamplePredictions(8, 1, 1);
  for (StudyPrediction& study : predictions.studies) {
    if (study.truth == Label::kH1n1) study.truth = Label::kCap;  // a class that is absent
  }
  const std::string page = EvaluationPage(EvaluateSample(predictions), {});
  EXPECT_THAT(page, HasSubstr("<dt>Model</dt><dd>\u2013</dd>"));
  // Sensitivity and AUC of H1N1.
  EXPECT_THAT(page, HasSubstr("<tr><td>H1N1</td><td>Patient network</td><td class=\"number\">0</td>"
                              "<td class=\"number\">\u2013</td>"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, HasSubstr("No maps were scored"));
}

TEST(EvaluationPageTest, SaysThatItIsForResearch) {
  const std::string page = EvaluationPage(EvaluateSample(SamplePredictions(8, 1, 1)), {});
  EXPECT_THAT(page, HasSubstr("<strong>Research use only.</strong> Not a medical device"));
  EXPECT_THAT(page, Not(HasSubstr("http")));  // nothing is fetched
}

TEST(EvaluationPageTest, ListsTheWorstMistakesFirst) {
  Predictions predictions = SamplePredictions(8, 9, 1);
  predictions.studies[2].probabilities = {0.6F, 0, 0.4F, 0};
  predictions.studies[5].probabilities = {0.9F, 0.1F, 0, 0};
  const std::string page = EvaluationPage(EvaluateSample(predictions), {});
  EXPECT_THAT(page, HasSubstr("2 of 8 studies have a wrong label:"));
  const size_t section = page.find("The worst mistakes");
  EXPECT_LT(page.find("study-5", section), page.find("study-2", section));
  for (StudyPrediction& study : predictions.studies) {
    study.probabilities = {};
    study.probabilities[static_cast<size_t>(study.truth)] = 1;
  }
  EXPECT_THAT(EvaluationPage(EvaluateSample(predictions), {}),
              HasSubstr("None: every study has its right label."));
}

TEST(EvaluationPageTest, ShowsMapScores) {
  const std::string page =
      EvaluationPage(EvaluateSample(SamplePredictions(8, 1, 1), SampleMaps()), {});
  EXPECT_THAT(page, HasSubstr("<dt>Slices with a lesion</dt><dd>7</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>Of these called so, whose maps are scored</dt><dd>1</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>That threshold, one for all slices</dt><dd>0.31</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>Average precision of the pixels</dt><dd>0.625"));
}

TEST(EvaluationJsonTest, HoldsEveryFigureAndNullForNone) {
  Predictions predictions = SamplePredictions(8, 1, 1);
  for (StudyPrediction& study : predictions.studies) {
    if (study.truth == Label::kH1n1) study.truth = Label::kCap;
  }
  const Evaluation evaluation = EvaluateSample(predictions, SampleMaps());
  EvaluationFacts facts;
  facts.model = "net 1";
  const auto json = nlohmann::json::parse(EvaluationJson(evaluation, facts));
  EXPECT_EQ(json["model"], "net 1");
  const auto& network = json["patients"]["network"];
  EXPECT_EQ(network["accuracy"]["value"].get<double>(), *evaluation.patients.accuracy.value);
  EXPECT_EQ(network["accuracy"]["low"].get<double>(), evaluation.patients.accuracy.interval->low);
  EXPECT_TRUE(network["classes"]["H1N1"]["auc"]["value"].is_null());
  EXPECT_TRUE(network["classes"]["H1N1"]["roc"].empty());
  EXPECT_EQ(network["classes"]["CAP"]["roc"].front(), (nlohmann::json{0.0, 0.0}));
  EXPECT_EQ(json["maps"]["average_precision"]["value"], 0.625);
  EXPECT_TRUE(json["temperature"].is_null());
  EXPECT_EQ(json["studies"][3]["study"], "study-3");
}

TEST(WriteEvaluationTest, WritesDataPageAndPictures) {
  const testing::TemporaryFolder folder;
  Predictions predictions = SamplePredictions(8, 1, 1);
  predictions.studies[0].lungs = Lungs::kReal;
  const Evaluation evaluation = EvaluateSample(predictions);
  ASSERT_THAT(WriteEvaluation(evaluation, {}, folder.path() / "made" / "here"), IsOk());
  for (const char* name : {"evaluation.json", "report.html"}) {
    EXPECT_THAT(ReadFile(folder.path() / "made" / "here" / name), IsOk());
  }
  for (const char* name :
       {"roc-patients.png", "roc-slices.png", "roc-lesions.png", "reliability-patients.png",
        "reliability-slices.png", "risk-coverage-patients.png", "reliability-patients-real.png"}) {
    EXPECT_EQ(cv::imread((folder.path() / "made" / "here" / name).string()).cols, 900) << name;
  }
}

}  // namespace
}  // namespace m3lung
