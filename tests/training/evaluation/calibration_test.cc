// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/calibration.h"

#include <cmath>

#include "tests/testing/status_matchers.h"
#include "tests/training/evaluation/sample_predictions.h"

namespace m3lung {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using testing::StatusIs;

TEST(MeasureCalibrationTest, FollowsTheDefinitions) {
  const std::vector<ClassProbabilities> probabilities = {
      {0.75F, 0.25F, 0, 0},  // right
      {0.25F, 0.75F, 0, 0},  // wrong
      {0, 0, 0, 1},          // right
  };
  const std::vector<Label> truth = {Label::kHealthy, Label::kHealthy, Label::kCap};
  const Calibration calibration = MeasureCalibration(probabilities, truth);
  ASSERT_EQ(calibration.bins.size(), 10U);
  EXPECT_EQ(calibration.bins[7].cases, 2);
  EXPECT_DOUBLE_EQ(calibration.bins[7].mean_confidence, 0.75);
  EXPECT_DOUBLE_EQ(calibration.bins[7].accuracy, 0.5);
  EXPECT_EQ(calibration.bins[9].cases, 1);
  EXPECT_EQ(calibration.bins[2].cases, 0);
  EXPECT_DOUBLE_EQ(calibration.expected_error, 2 / 3.0 * 0.25);
  EXPECT_DOUBLE_EQ(calibration.brier, (2 * 0.0625 + 2 * 0.5625 + 0) / 3);
  EXPECT_DOUBLE_EQ(calibration.log_loss, -(std::log(0.75) + std::log(0.25)) / 3);
}

TEST(MeasureCalibrationTest, AnImpossibleTruthCostsMuchButNotInfinitelyMuch) {
  const Calibration calibration = MeasureCalibration(std::vector<ClassProbabilities>{{1, 0, 0, 0}},
                                                     std::vector<Label>{Label::kCap});
  EXPECT_NEAR(calibration.log_loss, 36.04, 0.01);
}

TEST(WithTemperatureTest, IsWhatDividingTheLogitsGives) {
  const std::array<double, 4> logits = {2, -1, 0.5, 0};
  const auto softmax = [&](double temperature) {
    ClassProbabilities p;
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit / temperature);
    for (size_t c = 0; c < 4; ++c) {
      p[c] = static_cast<float>(std::exp(logits[c] / temperature) / sum);
    }
    return p;
  };
  EXPECT_THAT(WithTemperature(softmax(1), 2.5), Pointwise(FloatNear(1e-6F), softmax(2.5)));
  EXPECT_THAT(WithTemperature(softmax(1), 1), Pointwise(FloatNear(1e-6F), softmax(1)));
}

TEST(WithTemperatureTest, KeepsCertaintyFinite) {
  const ClassProbabilities p = WithTemperature({1, 0, 0, 0}, 20);
  for (const float value : p) EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(MostProbable(p), Label::kHealthy);
}

// Truths drawn by the probabilities themselves, which are then sharpened: the fit
// must find by how much.
TEST(FitTemperatureTest, FindsTheTemperatureThatWasTakenAway) {
  for (const double known : {0.6, 1.0, 2.5}) {
    Random random(17);
    std::vector<ClassProbabilities> answered;
    std::vector<Label> truth;
    for (int i = 0; i < 20000; ++i) {
      const ClassProbabilities honest = testing::Guess(random, Label::kHealthy, 0);
      double left = random.Uniform(0, 1);
      size_t drawn = 0;
      while (drawn < 3 && left >= honest[drawn]) left -= honest[drawn++];
      truth.push_back(static_cast<Label>(drawn));
      answered.push_back(WithTemperature(honest, 1 / known));
    }
    M3L_ASSERT_OK_AND_ASSIGN(const double fitted, FitTemperature(answered, truth));
    EXPECT_NEAR(fitted / known, 1, 0.04);
    for (ClassProbabilities& p : answered) p = WithTemperature(p, fitted);
    EXPECT_LT(MeasureCalibration(answered, truth).expected_error, 0.015);
  }
}

TEST(FitTemperatureTest, StaysWithinBoundsWhereEverythingIsRight) {
  const std::vector<ClassProbabilities> right = {{0.7F, 0.1F, 0.1F, 0.1F}, {0, 1, 0, 0}};
  const std::vector<Label> truth = {Label::kHealthy, Label::kCovid19};
  M3L_ASSERT_OK_AND_ASSIGN(const double fitted, FitTemperature(right, truth));
  EXPECT_NEAR(fitted, kLeastTemperature, 1e-3);
}

TEST(FitTemperatureTest, NeedsCases) {
  EXPECT_THAT(FitTemperature({}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no case")));
}

}  // namespace
}  // namespace m3lung
