// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/compare_predictions.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/training/evaluation/sample_predictions.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::SamplePredictions;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

Predictions TwoSlices() {
  Predictions predictions;
  predictions.studies = {{"a", Label::kCap, {0.1F, 0.2F, 0.3F, 0.4F}, {}}};
  for (const char* file : {"1.dcm", "2.dcm"}) {
    SlicePrediction slice;
    slice.file = file;
    slice.probabilities = {0.46F, 0.45F, 0.05F, 0.04F};
    slice.lesion_probability = 0.5F;
    predictions.slices.push_back(slice);
  }
  return predictions;
}

TEST(ComparePredictionsTest, TheSameIsWithinAnyTolerance) {
  const Predictions predictions = SamplePredictions(20, 3, 1);
  const auto difference = ComparePredictions(predictions, predictions, 0);
  ASSERT_THAT(difference, IsOk());
  EXPECT_TRUE(difference->IsWithin());
  EXPECT_EQ(difference->slices.cases, static_cast<int64_t>(predictions.slices.size()));
  EXPECT_EQ(difference->studies.cases, 20);
  EXPECT_EQ(difference->slices.worst, 0);
}

TEST(ComparePredictionsTest, CountsOtherLabelsAndWhatIsBeyond) {
  const Predictions one = TwoSlices();
  Predictions other = one;
  other.slices[0].probabilities = {0.455F, 0.456F, 0.05F, 0.039F};  // COVID-19, by a little
  other.slices[1].lesion_probability = 0.52F;
  auto difference = ComparePredictions(one, other, 0.01F);
  ASSERT_THAT(difference, IsOk());
  EXPECT_FALSE(difference->IsWithin());
  EXPECT_EQ(difference->slices.other_label, 1);
  EXPECT_EQ(difference->slices.beyond, 1);
  EXPECT_NEAR(difference->slices.worst, 0.02, 1e-6);
  EXPECT_EQ(difference->studies.other_label + difference->studies.beyond, 0);

  other = one;
  other.studies[0].probabilities = {0.1F, 0.2F, 0.32F, 0.38F};
  difference = ComparePredictions(one, other, 0.01F);
  ASSERT_THAT(difference, IsOk());
  EXPECT_EQ(difference->studies.beyond, 1);
  EXPECT_FALSE(difference->IsWithin());
}

TEST(ComparePredictionsTest, RefusesOthersThanTheSameStudiesAndSlices) {
  const Predictions one = TwoSlices();
  Predictions other = one;
  other.studies[0].name = "b";
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("different studies or slices"));
  EXPECT_THAT(ComparePredictions(one, other, 1).status(), refused);
  other = one;
  other.slices.pop_back();
  EXPECT_THAT(ComparePredictions(one, other, 1).status(), refused);
}

}  // namespace
}  // namespace m3lung
