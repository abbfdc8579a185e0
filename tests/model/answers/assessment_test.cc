// SPDX-License-Identifier: Apache-2.0
#include "model/answers/assessment.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;

ClassProbabilities Certain(Label label) {
  ClassProbabilities probabilities = {0.1F, 0.1F, 0.1F, 0.1F};
  probabilities[static_cast<int>(label)] = 0.7F;
  return probabilities;
}

// `healthy` slices, then those of each disease.
std::vector<ClassProbabilities> Study(int healthy, int covid19, int h1n1, int cap) {
  std::vector<ClassProbabilities> slices;
  slices.insert(slices.end(), healthy, Certain(Label::kHealthy));
  slices.insert(slices.end(), covid19, Certain(Label::kCovid19));
  slices.insert(slices.end(), h1n1, Certain(Label::kH1n1));
  slices.insert(slices.end(), cap, Certain(Label::kCap));
  return slices;
}

TEST(MostProbableTest, TakesTheFirstOfEqualOnes) {
  EXPECT_EQ(MostProbable({0.2F, 0.3F, 0.3F, 0.2F}), Label::kCovid19);
  EXPECT_EQ(MostProbable({0.25F, 0.25F, 0.25F, 0.25F}), Label::kHealthy);
  EXPECT_EQ(MostProbable({0, 0, 0, 1}), Label::kCap);
}

TEST(AssessWithoutParametersTest, HealthyOnlyAboveTheThreshold) {
  // 199 of 200 is 0.995; 198 of 200 is 0.99, which is not above 0.99.
  const auto above = AssessWithoutParameters(Study(199, 1, 0, 0), 0.99F);
  EXPECT_EQ(above.label, Label::kHealthy);
  EXPECT_FLOAT_EQ(above.healthy_share, 0.995F);
  const auto at = AssessWithoutParameters(Study(198, 0, 2, 0), 0.99F);
  EXPECT_EQ(at.label, Label::kH1n1);
  EXPECT_THAT(at.slices_by_label, ElementsAre(198, 0, 2, 0));
}

TEST(AssessWithoutParametersTest, TakesTheDiseaseWithMostSlices) {
  EXPECT_EQ(AssessWithoutParameters(Study(5, 1, 2, 3), 0.99F).label, Label::kCap);
  EXPECT_EQ(AssessWithoutParameters(Study(5, 2, 3, 3), 0.99F).label, Label::kH1n1);
  EXPECT_EQ(AssessWithoutParameters(Study(0, 0, 0, 1), 0.99F).label, Label::kCap);
}

TEST(AssessWithoutParametersTest, AllHealthyIsHealthyWhateverTheThreshold) {
  const auto result = AssessWithoutParameters(Study(3, 0, 0, 0), 1);
  EXPECT_EQ(result.label, Label::kHealthy);
  EXPECT_EQ(result.healthy_share, 1);
}

}  // namespace
}  // namespace m3lung
