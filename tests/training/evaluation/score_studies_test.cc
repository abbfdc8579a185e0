// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/score_studies.h"

#include "tests/testing/fake_runner.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeRunner;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Pair;
using ::testing::SizeIs;
using testing::StatusIs;

constexpr int kSize = 4;

// Slices of one value each, which FakeRunner turns into class, lesion probability
// and features.
PreparedStudy StudyOf(const std::string& name, Label label, const std::vector<int16_t>& pixels) {
  PreparedStudy study;
  study.name = name;
  study.label = label;
  for (size_t i = 0; i < pixels.size(); ++i) {
    study.slices.push_back({std::to_string(i), -2.5 * static_cast<double>(i), std::nullopt});
  }
  study.hu =
      torch::tensor(pixels, torch::kInt16).view({-1, 1, 1}).expand({-1, kSize, kSize}).contiguous();
  return study;
}

TEST(ScoreStudiesTest, ScoresEverySliceInBatchesAndEveryStudyInOrder) {
  FakeRunner runner(kSize);
  std::vector<PreparedStudy> studies = {StudyOf("a", Label::kCovid19, {9, 20, 31, 44, 55}),
                                        StudyOf("b", Label::kHealthy, {40, 8})};
  studies[0].slices[1].lesion = true;
  std::vector<std::pair<int64_t, int64_t>> progress;
  M3L_ASSERT_OK_AND_ASSIGN(
      const ScoredStudies scored,
      ScoreStudies(runner, studies, {.batch = 3},
                   [&](int64_t done, int64_t all) { progress.emplace_back(done, all); }));
  EXPECT_THAT(runner.batches(),
              ElementsAre(ElementsAre(9, 20, 31), ElementsAre(44, 55), ElementsAre(40, 8)));
  EXPECT_THAT(runner.patient(), ElementsAre(40, 8));  // the last study's
  EXPECT_THAT(progress, ElementsAre(Pair(3, 7), Pair(5, 7), Pair(7, 7)));

  const Predictions& predictions = scored.predictions;
  ASSERT_THAT(predictions.studies, SizeIs(2));
  EXPECT_EQ(predictions.studies[0].name, "a");
  EXPECT_EQ(predictions.studies[0].truth, Label::kCovid19);
  // By the first slice; the counted label has one Healthy of five and three CAP.
  EXPECT_EQ(MostProbable(predictions.studies[0].probabilities), Label::kCovid19);
  EXPECT_EQ(predictions.studies[0].non_parametric, Label::kCap);
  EXPECT_EQ(predictions.studies[1].non_parametric, Label::kHealthy);
  ASSERT_THAT(predictions.slices, SizeIs(7));
  EXPECT_EQ(predictions.slices[1].lesion, true);
  EXPECT_FALSE(predictions.slices[2].lesion.has_value());
  EXPECT_FLOAT_EQ(predictions.slices[4].lesion_probability, 0.55F);
  EXPECT_EQ(predictions.slices[4].file, "4");
  EXPECT_EQ(predictions.slices[4].position_mm, -10);
  EXPECT_EQ(predictions.slices[6].study, 1);
  EXPECT_FALSE(scored.maps.has_value());
}

TEST(ScoreStudiesTest, TheThresholdOfTheCountedLabelIsTheBundles) {
  FakeRunner runner(kSize);
  const std::vector<PreparedStudy> studies = {StudyOf("a", Label::kHealthy, {0, 4, 8, 1})};
  M3L_ASSERT_OK_AND_ASSIGN(const ScoredStudies strict, ScoreStudies(runner, studies, {}, nullptr));
  EXPECT_EQ(strict.predictions.studies[0].non_parametric, Label::kCovid19);
  M3L_ASSERT_OK_AND_ASSIGN(
      const ScoredStudies lax,
      ScoreStudies(runner, studies, {.healthy_share_threshold = 0.7F}, nullptr));
  EXPECT_EQ(lax.predictions.studies[0].non_parametric, Label::kHealthy);
}

TEST(ScoreStudiesTest, ScoresMapsOfSlicesWithLesionsThatWereCalledSo) {
  FakeRunner runner(kSize);
  // Lesion probabilities 0.9, 0.9, 0.4, 0.5.
  PreparedStudy study = StudyOf("a", Label::kCovid19, {90, 90, 40, 50});
  study.lesion_masks = torch::zeros({4, kSize, kSize}, torch::kUInt8);
  study.lesion_masks[0][3][3] = 1;  // where the fake's map is highest
  study.lesion_masks[2][0][0] = 1;
  study.lesion_masks[3][0][0] = 1;
  M3L_ASSERT_OK_AND_ASSIGN(
      const ScoredStudies scored,
      ScoreStudies(runner, {StudyOf("b", Label::kHealthy, {0}), study}, {}, nullptr));
  ASSERT_TRUE(scored.maps.has_value());
  EXPECT_EQ(scored.maps->lesion_slices, 3);
  ASSERT_THAT(scored.maps->mapped, SizeIs(1));
  EXPECT_TRUE(scored.maps->mapped[0].hit);
  EXPECT_EQ(scored.maps->mapped[0].study, 1);
  EXPECT_DOUBLE_EQ(scored.maps->mapped[0].average_precision, 1);
}

TEST(ScoreStudiesTest, NamesAStudyThatCannotBeScored) {
  FakeRunner runner(8);
  EXPECT_THAT(ScoreStudies(runner, {StudyOf("small", Label::kCap, {1})}, {}, nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("\"small\""), HasSubstr("8 x 8 pixels"))));
  PreparedStudy empty = StudyOf("empty", Label::kCap, {1});
  empty.slices.clear();
  EXPECT_THAT(ScoreStudies(runner, {empty}, {}, nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"empty\" has no slice")));
}

TEST(ScoreStudiesTest, PassesTheRunnersErrorOn) {
  FakeRunner runner(kSize);
  runner.FailWith(absl::InternalError("not finite"));
  EXPECT_THAT(ScoreStudies(runner, {StudyOf("a", Label::kCap, {1})}, {}, nullptr),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("not finite")));
}

}  // namespace
}  // namespace m3lung
