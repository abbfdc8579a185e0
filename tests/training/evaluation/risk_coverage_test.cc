// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/risk_coverage.h"

#include <algorithm>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/training/evaluation/sample_predictions.h"
#include "training/evaluation/metrics.h"

namespace m3lung {
namespace {

// A case of each, called Healthy with this probability.
Cases CasesOf(const std::vector<float>& confidence, const std::vector<bool>& wrong) {
  Cases cases;
  for (size_t i = 0; i < confidence.size(); ++i) {
    cases.study.push_back(static_cast<int>(i));
    cases.truth.push_back(wrong[i] ? Label::kCap : Label::kHealthy);
    cases.predicted.push_back(Label::kHealthy);
    cases.probabilities.push_back({confidence[i], 1 - confidence[i], 0, 0});
  }
  return cases;
}

RiskCoverage Measure(const Cases& cases) {
  return MeasureRiskCoverage(cases, Resamples(static_cast<int>(cases.size()), 50, 1));
}

TEST(RiskCoverageTest, IsWhatWasCountedByHand) {
  // By falling confidence: right, wrong, right, right.
  const RiskCoverage risk =
      Measure(CasesOf({0.75F, 0.875F, 0.9375F, 0.625F}, {false, true, false, false}));
  ASSERT_EQ(risk.curve.size(), 4U);
  const double expected[4][3] = {
      {0.25, 0, 0.9375}, {0.5, 0.5, 0.875}, {0.75, 1.0 / 3, 0.75}, {1, 0.25, 0.625}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(risk.curve[i].coverage, expected[i][0]);
    EXPECT_DOUBLE_EQ(risk.curve[i].risk, expected[i][1]);
    EXPECT_DOUBLE_EQ(risk.curve[i].confidence, expected[i][2]);
  }
  EXPECT_DOUBLE_EQ(*risk.area.value, (0 + 0.5 + 1.0 / 3 + 0.25) / 4);
  ASSERT_EQ(risk.table.size(), 5U);
  // At 1.0, 0.9, 0.8, 0.7, 0.5: all, all, all, three and two are answered.
  const double risks[5] = {0.25, 0.25, 0.25, 1.0 / 3, 0.5};
  const double reached[5] = {1, 1, 1, 0.75, 0.5};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_DOUBLE_EQ(*risk.table[i].risk.value, risks[i]) << i;
    EXPECT_DOUBLE_EQ(risk.table[i].reached.coverage, reached[i]) << i;
  }
}

TEST(RiskCoverageTest, AnswersCasesOfOneConfidenceTogether) {
  const Cases cases = CasesOf({0.75F, 0.75F, 0.75F, 0.875F}, {true, false, true, false});
  const RiskCoverage risk = Measure(cases);
  ASSERT_EQ(risk.curve.size(), 2U);
  EXPECT_DOUBLE_EQ(*risk.area.value, 0.25 * 0 + 0.75 * 0.5);
  EXPECT_DOUBLE_EQ(risk.table[4].asked, 0.5);
  EXPECT_DOUBLE_EQ(risk.table[4].reached.coverage, 1);
}

TEST(RiskCoverageTest, OfAllCasesIsTheShareOfMistakes) {
  for (const double skill : {-1.0, 0.5, 3.0}) {
    const Cases cases = PatientCases(testing::SamplePredictions(41, skill, 7));
    const RiskCoverage risk = Measure(cases);
    EXPECT_EQ(risk.curve.back().coverage, 1);
    EXPECT_NEAR(risk.curve.back().risk, 1 - *Accuracy(Confusion(cases)), 1e-12);
    EXPECT_NEAR(*risk.table[0].risk.value, risk.curve.back().risk, 1e-12);
  }
}

TEST(RiskCoverageTest, IsTheMeanRiskOverTheCasesAnswered) {
  const Cases cases = PatientCases(testing::SamplePredictions(60, 1, 3));
  const auto confidence = [&](size_t i) {
    return *std::max_element(cases.probabilities[i].begin(), cases.probabilities[i].end());
  };
  double sum = 0;
  for (size_t last = 0; last < cases.size(); ++last) {
    int answered = 0, wrong = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
      if (confidence(i) < confidence(last)) continue;
      ++answered;
      wrong += cases.predicted[i] != cases.truth[i] ? 1 : 0;
    }
    sum += static_cast<double>(wrong) / answered;
  }
  const RiskCoverage risk = Measure(cases);
  EXPECT_NEAR(*risk.area.value, sum / 60, 1e-12);
  ASSERT_TRUE(risk.area.interval.has_value());
  EXPECT_LT(risk.area.interval->low, *risk.area.value);
  EXPECT_GT(risk.area.interval->high, *risk.area.value);
}

TEST(RiskCoverageTest, IsNoughtWithoutMistakesAndOneWithNothingElse) {
  for (const bool wrong : {false, true}) {
    const RiskCoverage risk = Measure(CasesOf({0.5F, 0.75F, 0.875F}, {wrong, wrong, wrong}));
    EXPECT_DOUBLE_EQ(*risk.area.value, wrong ? 1 : 0);
    for (const RiskAtCoverage& row : risk.table) EXPECT_EQ(*row.risk.value, wrong ? 1 : 0);
  }
  const RiskCoverage one = Measure(CasesOf({0.5F}, {true}));
  EXPECT_EQ(one.curve.size(), 1U);
  EXPECT_FALSE(one.area.interval.has_value());
}

}  // namespace
}  // namespace m3lung
