// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/bootstrap.h"

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "gmock/gmock.h"
#include "training/evaluation/cases.h"
#include "training/evaluation/evaluation.h"

namespace m3lung {
namespace {

using ::testing::Each;
using ::testing::Eq;

// `right[i]`: whether study i is called what it is.
Cases CasesOf(const std::vector<bool>& right) {
  Cases cases;
  for (const bool is_right : right) {
    cases.study.push_back(static_cast<int>(cases.size()));
    cases.truth.push_back(Label::kCap);
    cases.predicted.push_back(is_right ? Label::kCap : Label::kH1n1);
  }
  return cases;
}

std::vector<bool> Draw(int studies, double share, uint64_t seed) {
  Random random(seed);
  std::vector<bool> right;
  for (int i = 0; i < studies; ++i) right.push_back(random.Uniform(0, 1) < share);
  return right;
}

Estimate AccuracyEstimate(const Cases& cases, const Resamples& resamples) {
  return EvaluateMethod(cases, resamples).accuracy;
}

TEST(ResamplesTest, DrawAsManyStudiesAsThereAre) {
  const Resamples resamples(7, 50, 3);
  ASSERT_EQ(resamples.count(), 50);
  std::vector<int> drawn(7);
  for (int i = 0; i < resamples.count(); ++i) {
    const auto weights = resamples.weights(i);
    EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), 0), 7);
    for (size_t k = 0; k < drawn.size(); ++k) drawn[k] += weights[k];
  }
  // Each about 50 times; the deviation is 6.5.
  for (const int count : drawn) EXPECT_NEAR(count, 50, 30);
}

TEST(ResamplesTest, TheSameSeedDrawsTheSame) {
  const Resamples one(20, 5, 11), same(20, 5, 11), other(20, 5, 12);
  EXPECT_EQ(one.weights(4), same.weights(4));
  EXPECT_NE(one.weights(4), other.weights(4));
}

// Of sets drawn from a population with accuracy 0.8, about 95 of 100 intervals
// should hold 0.8.
TEST(BootstrapTest, IntervalsHoldTheTruthAboutAsOftenAsTheySay) {
  constexpr int kSets = 300, kStudies = 150;
  const Resamples resamples(kStudies, 400, 5);
  int holding = 0;
  double width = 0;
  for (int set = 0; set < kSets; ++set) {
    const Estimate estimate = AccuracyEstimate(CasesOf(Draw(kStudies, 0.8, 1000 + set)), resamples);
    ASSERT_TRUE(estimate.interval.has_value());
    holding += estimate.interval->low <= 0.8 && 0.8 <= estimate.interval->high ? 1 : 0;
    width += (estimate.interval->high - estimate.interval->low) / kSets;
  }
  EXPECT_NEAR(holding / static_cast<double>(kSets), 0.95, 0.04);
  EXPECT_NEAR(width, 2 * 1.96 * std::sqrt(0.8 * 0.2 / kStudies), 0.01);
}

// Ten slices that say the same are worth one: the interval must not shrink.
TEST(BootstrapTest, DrawsWholeStudies) {
  const std::vector<bool> right = Draw(60, 0.7, 9);
  const Resamples resamples(60, 500, 5);
  const Cases studies = CasesOf(right);
  Cases slices;
  for (int copy = 0; copy < 10; ++copy) {
    for (size_t i = 0; i < studies.size(); ++i) {
      slices.study.push_back(studies.study[i]);
      slices.truth.push_back(studies.truth[i]);
      slices.predicted.push_back(studies.predicted[i]);
    }
  }
  const Interval of_studies = *AccuracyEstimate(studies, resamples).interval;
  const Interval of_slices = *AccuracyEstimate(slices, resamples).interval;
  EXPECT_DOUBLE_EQ(of_studies.low, of_slices.low);
  EXPECT_DOUBLE_EQ(of_studies.high, of_slices.high);
}

TEST(BootstrapTest, OneStudyHasNoInterval) {
  const Estimate estimate = AccuracyEstimate(CasesOf({true}), Resamples(1, 100, 1));
  EXPECT_EQ(estimate.value, 1.0);
  EXPECT_FALSE(estimate.interval.has_value());
}

TEST(BootstrapTest, LeavesOutResamplesWithoutValue) {
  // The only study of a class is missing from 1/e of the resamples, and its
  // sensitivity has no value there.
  Cases cases = CasesOf(std::vector<bool>(30, true));
  cases.truth[4] = cases.predicted[4] = Label::kHealthy;
  const MethodEvaluation method = EvaluateMethod(cases, Resamples(30, 500, 2));
  EXPECT_EQ(method.classes[0].sensitivity.value, 1.0);
  ASSERT_TRUE(method.classes[0].sensitivity.interval.has_value());
  EXPECT_EQ(method.classes[0].sensitivity.interval->low, 1.0);
  EXPECT_THAT(method.classes[1].sensitivity.value, Eq(std::nullopt));
  EXPECT_FALSE(method.classes[1].sensitivity.interval.has_value());
}

TEST(PairedPValueTest, IsOneForAMethodAgainstItself) {
  const Cases cases = CasesOf(Draw(80, 0.7, 3));
  EXPECT_EQ(AccuracyPValue(cases, cases, Resamples(80, 300, 1)), 1.0);
}

TEST(PairedPValueTest, IsLeastAndNeverZeroForAClearlyBetterMethod) {
  const Cases good = CasesOf(std::vector<bool>(80, true));
  const Cases bad = CasesOf(Draw(80, 0.5, 3));
  const Resamples resamples(80, 999, 1);
  EXPECT_DOUBLE_EQ(AccuracyPValue(good, bad, resamples), 0.002);
  EXPECT_DOUBLE_EQ(AccuracyPValue(bad, good, resamples), 0.002);
}

// Two methods of one accuracy: p below 0.05 about once in twenty.
TEST(PairedPValueTest, RarelyCallsEqualMethodsDifferent) {
  constexpr int kTrials = 300;
  const Resamples resamples(150, 300, 7);
  int different = 0;
  for (int i = 0; i < kTrials; ++i) {
    const Cases one = CasesOf(Draw(150, 0.75, 2 * i)), other = CasesOf(Draw(150, 0.75, 2 * i + 1));
    different += AccuracyPValue(one, other, resamples) < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(different / static_cast<double>(kTrials), 0.05, 0.035);
}

}  // namespace
}  // namespace m3lung
