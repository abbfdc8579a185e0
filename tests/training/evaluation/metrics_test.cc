// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/metrics.h"

#include "gmock/gmock.h"
#include "training/evaluation/ranking.h"

namespace m3lung {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr Label kHealthy = Label::kHealthy;
constexpr Label kCovid = Label::kCovid19;
constexpr Label kFlu = Label::kH1n1;
constexpr Label kCap = Label::kCap;

// Ten studies: four Healthy, one of them called COVID-19; three COVID-19, one called
// Healthy and one H1N1; two H1N1, both right; one CAP, called H1N1.
Cases TenStudies() {
  Cases cases;
  cases.truth = {kHealthy, kHealthy, kHealthy, kHealthy, kCovid, kCovid, kCovid, kFlu, kFlu, kCap};
  cases.predicted = {kHealthy, kHealthy, kHealthy, kCovid, kCovid,
                     kHealthy, kFlu,     kFlu,     kFlu,   kFlu};
  cases.study = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  return cases;
}

TEST(MetricsTest, FollowThePapersDefinitions) {
  const ConfusionMatrix confusion = Confusion(TenStudies());
  EXPECT_THAT(confusion, ElementsAre(ElementsAre(3, 1, 0, 0), ElementsAre(1, 1, 1, 0),
                                     ElementsAre(0, 0, 2, 0), ElementsAre(0, 0, 1, 0)));
  EXPECT_THAT(Accuracy(confusion), Optional(DoubleEq(0.6)));
  EXPECT_THAT(FalsePositiveError(confusion), Optional(DoubleEq(1 / 4.0)));
  EXPECT_THAT(FalseNegativeError(confusion), Optional(DoubleEq(1 / 6.0)));
  EXPECT_THAT(FalseDiseasePredictionError(confusion), Optional(DoubleEq(2 / 6.0)));
  EXPECT_THAT(Sensitivity(confusion, kCovid), Optional(DoubleEq(1 / 3.0)));
  EXPECT_THAT(Specificity(confusion, kCovid), Optional(DoubleEq(6 / 7.0)));
  EXPECT_THAT(Sensitivity(confusion, kCap), Optional(DoubleEq(0)));
  EXPECT_THAT(Specificity(confusion, kFlu), Optional(DoubleEq(6 / 8.0)));
}

// Table II of the paper, its own row: the errors add up to its accuracy.
TEST(MetricsTest, ErrorsAreThoseThatThePaperCounts) {
  Cases cases;
  const auto add = [&](Label truth, Label predicted, int count) {
    for (int i = 0; i < count; ++i) {
      cases.study.push_back(static_cast<int>(cases.size()));
      cases.truth.push_back(truth);
      cases.predicted.push_back(predicted);
    }
  };
  add(kHealthy, kHealthy, 99);
  add(kHealthy, kCap, 3);
  add(kCovid, kCovid, 95);
  add(kCovid, kHealthy, 1);
  add(kFlu, kFlu, 41);
  add(kCap, kCap, 43);
  add(kCap, kHealthy, 7);
  add(kCap, kCovid, 3);
  const ConfusionMatrix confusion = Confusion(cases);
  EXPECT_NEAR(*Accuracy(confusion), 0.9521, 5e-5);
  EXPECT_NEAR(*FalsePositiveError(confusion), 0.0283, 2e-3);
  EXPECT_NEAR(*FalseNegativeError(confusion), 0.0415, 2e-3);
  EXPECT_NEAR(*FalseDiseasePredictionError(confusion), 0.0157, 2e-3);
}

TEST(MetricsTest, CountStudiesByTheirWeights) {
  // The CAP study three times, a COVID-19 one that was called so twice.
  const std::vector<int> weights = {0, 0, 0, 0, 2, 0, 0, 0, 0, 3};
  const ConfusionMatrix confusion = Confusion(TenStudies(), weights);
  EXPECT_THAT(Accuracy(confusion), Optional(DoubleEq(0.4)));
  EXPECT_THAT(FalseDiseasePredictionError(confusion), Optional(DoubleEq(0.6)));
}

TEST(MetricsTest, HaveNoValueWithoutCases) {
  const std::vector<int> only_healthy = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0};
  const ConfusionMatrix confusion = Confusion(TenStudies(), only_healthy);
  EXPECT_THAT(Sensitivity(confusion, kCap), Eq(std::nullopt));
  EXPECT_THAT(Specificity(confusion, kHealthy), Eq(std::nullopt));
  EXPECT_THAT(FalseNegativeError(confusion), Eq(std::nullopt));
  EXPECT_THAT(FalseDiseasePredictionError(confusion), Eq(std::nullopt));
  EXPECT_THAT(Specificity(confusion, kCap), Optional(DoubleEq(1)));
  EXPECT_THAT(Accuracy(Confusion(Cases())), Eq(std::nullopt));
}

// Positive at 0.9, 0.5, 0.5; negative at 0.5, 0.2: of six pairs four are right and
// two tie.
Ranking Tied() {
  return Ranking(
      {{0.5, true, 0}, {0.2, false, 1}, {0.9, true, 2}, {0.5, false, 3}, {0.5, true, 4}});
}

MATCHER_P2(IsPoint, false_positive_rate, true_positive_rate, "") {
  return std::abs(arg.false_positive_rate - false_positive_rate) < 1e-12 &&
         std::abs(arg.true_positive_rate - true_positive_rate) < 1e-12;
}

TEST(RankingTest, CountsATieAsHalf) {
  EXPECT_THAT(Tied().AreaUnderCurve(), Optional(DoubleEq(5 / 6.0)));
  EXPECT_THAT(Tied().AveragePrecision(), Optional(DoubleEq(1 / 3.0 * 1 + 2 / 3.0 * 3 / 4.0)));
  EXPECT_THAT(Tied().Curve(),
              ElementsAre(IsPoint(0, 0), IsPoint(0, 1 / 3.0), IsPoint(0.5, 1), IsPoint(1, 1)));
}

TEST(RankingTest, WeightsStandForRepeatedCases) {
  const std::vector<int> weights = {2, 1, 0, 3, 1};
  const Ranking repeated({{0.5, true, 0},
                          {0.5, true, 0},
                          {0.2, false, 0},
                          {0.5, false, 0},
                          {0.5, false, 0},
                          {0.5, false, 0},
                          {0.5, true, 0}});
  EXPECT_EQ(Tied().AreaUnderCurve(weights), repeated.AreaUnderCurve());
  EXPECT_EQ(Tied().AveragePrecision(weights), repeated.AveragePrecision());
}

TEST(RankingTest, HasNoValueWithoutEitherKind) {
  const Ranking positive({{0.5, true, 0}, {0.7, true, 0}});
  EXPECT_THAT(positive.AreaUnderCurve(), Eq(std::nullopt));
  EXPECT_THAT(positive.AveragePrecision(), Optional(DoubleEq(1)));
  EXPECT_THAT(positive.Curve(), IsEmpty());
  EXPECT_THAT(Ranking({{0.5, false, 0}}).AveragePrecision(), Eq(std::nullopt));
  EXPECT_THAT(Tied().AreaUnderCurve(std::vector<int>{0, 1, 0, 1, 0}), Eq(std::nullopt));
}

TEST(RankingTest, DropsPointsOnAStraightLine) {
  const Ranking ranking(
      {{0.9, true, 0}, {0.8, true, 0}, {0.7, true, 0}, {0.6, false, 0}, {0.5, false, 0}});
  EXPECT_THAT(ranking.Curve(), ElementsAre(IsPoint(0, 0), IsPoint(0, 1), IsPoint(1, 1)));
}

}  // namespace
}  // namespace m3lung
