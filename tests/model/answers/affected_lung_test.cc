// SPDX-License-Identifier: Apache-2.0
#include "model/answers/affected_lung.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "opencv2/core.hpp"

namespace m3lung {
namespace {

using ::testing::Eq;
using ::testing::Optional;

// 80 x 80 pixels, an element of the grid for 4 x 4 of them.
const CoarseGrid kGrid = {.image = {80, 80}, .row_factor = 4, .column_factor = 4};
const cv::Rect kWholeImage(0, 0, 80, 80);

cv::Mat AllLung(LungSide side = kLeftLung) { return {20, 20, CV_8UC1, cv::Scalar(side)}; }

// A map that rises in equal steps from 0 in the first column to 1 in the last; of a slice with
// lesions.
SliceScores RisingToTheRight(int columns = 10) {
  SliceScores scores;
  scores.lesion_probability = 1;
  scores.map.rows = 1;
  scores.map.columns = columns;
  for (int i = 0; i < columns; ++i) {
    scores.map.values.push_back(static_cast<float>(i) / static_cast<float>(columns - 1));
  }
  return scores;
}

SliceScores RisingDownwards() {
  SliceScores scores = RisingToTheRight();
  std::swap(scores.map.rows, scores.map.columns);
  return scores;
}

// The map is 0.5 in the middle of the box, whatever the number of its cells: half of the lung.
TEST(CountAffectedTest, TheMapIsStretchedOverItsBox) {
  for (const int columns : {2, 5, 10, 16}) {
    const LungCounts counts =
        CountAffected(AllLung(), kGrid, kWholeImage, RisingToTheRight(columns));
    EXPECT_EQ(counts.lung[kLeftLung], 400);
    EXPECT_EQ(counts.affected[kLeftLung], 200) << columns;
    EXPECT_EQ(counts.affected[kRightLung], 0);
  }
  EXPECT_EQ(CountAffected(AllLung(), kGrid, kWholeImage, RisingDownwards()).affected[kLeftLung],
            200);
}

// Which side of the middle is affected, in both directions.
TEST(CountAffectedTest, TheMapIsTakenTheRightWayRound) {
  cv::Mat mask = AllLung(kRightLung);
  mask.colRange(10, 20).setTo(kLeftLung);
  const LungCounts across = CountAffected(mask, kGrid, kWholeImage, RisingToTheRight());
  EXPECT_EQ(across.affected[kRightLung], 0);
  EXPECT_EQ(across.affected[kLeftLung], 200);
  mask.setTo(kRightLung);
  mask.rowRange(10, 20).setTo(kLeftLung);
  const LungCounts down = CountAffected(mask, kGrid, kWholeImage, RisingDownwards());
  EXPECT_EQ(down.affected[kRightLung], 0);
  EXPECT_EQ(down.affected[kLeftLung], 200);
}

TEST(CountAffectedTest, LungOutsideOfTheBoxIsLungThatIsNotAffected) {
  SliceScores everywhere = RisingToTheRight();
  for (float& value : everywhere.map.values) value = 1;
  // Elements whose middles (2, 6, 10, ...) lie from 20 on and below 60; from 8 on and below 40.
  const LungCounts counts = CountAffected(AllLung(), kGrid, cv::Rect(20, 8, 40, 32), everywhere);
  EXPECT_EQ(counts.lung[kLeftLung], 400);
  EXPECT_EQ(counts.affected[kLeftLung], 10 * 8);
  // The box begins at the middle of an element, which is within, and ends at one, which is not.
  EXPECT_EQ(
      CountAffected(AllLung(), kGrid, cv::Rect(22, 10, 40, 32), everywhere).affected[kLeftLung],
      10 * 8);
}

TEST(CountAffectedTest, TheLastElementMayBeCutShort) {
  // 77 columns: the last element is one pixel wide, its middle at 76.5.
  const CoarseGrid grid = {.image = {77, 80}, .row_factor = 4, .column_factor = 4};
  SliceScores everywhere = RisingToTheRight();
  for (float& value : everywhere.map.values) value = 1;
  const auto affected_in = [&](const cv::Rect& box) {
    return CountAffected(AllLung(), grid, box, everywhere).affected[kLeftLung];
  };
  EXPECT_EQ(affected_in(cv::Rect(76, 0, 1, 80)), 20);
  EXPECT_EQ(affected_in(cv::Rect(0, 0, 76, 80)), 19 * 20);
}

TEST(CountAffectedTest, OnlyLungCounts) {
  cv::Mat mask(20, 20, CV_8UC1, cv::Scalar(kNoLung));
  mask.at<uint8_t>(3, 19) = kLeftLung;
  mask.at<uint8_t>(3, 0) = kRightLung;
  const LungCounts counts = CountAffected(mask, kGrid, kWholeImage, RisingToTheRight());
  EXPECT_THAT(counts.lung, ::testing::ElementsAre(0, 1, 1));
  EXPECT_THAT(counts.affected, ::testing::ElementsAre(0, 0, 1));
  EXPECT_THAT(counts.Share(), Optional(0.5F));
  EXPECT_EQ(CountAffected(cv::Mat(), kGrid, kWholeImage, RisingToTheRight()).Share(), std::nullopt);
}

// At 0.5 exactly the two classes are equal, and the network draws the map of the first of them,
// "no lesion": it does not show what is affected.
TEST(CountAffectedTest, ASliceHasLesionsAboveTheProbabilityNotAtIt) {
  SliceScores scores = RisingToTheRight();
  const auto affected_at = [&](float probability) {
    scores.lesion_probability = probability;
    return CountAffected(AllLung(), kGrid, kWholeImage, scores).affected[kLeftLung];
  };
  EXPECT_EQ(affected_at(std::nextafter(0.5F, 0.0F)), 0);
  EXPECT_EQ(affected_at(0.5F), 0);
  EXPECT_EQ(affected_at(std::nextafter(0.5F, 1.0F)), 200);
}

TEST(CountAffectedTest, LungIsAffectedFromTheMapsLevelOn) {
  SliceScores scores = RisingToTheRight();
  const auto affected_at = [&](float level) {
    for (float& value : scores.map.values) value = level;
    return CountAffected(AllLung(), kGrid, kWholeImage, scores).affected[kLeftLung];
  };
  EXPECT_EQ(affected_at(std::nextafter(0.5F, 0.0F)), 0);
  EXPECT_EQ(affected_at(0.5F), 400);
}

TEST(CountAffectedTest, ASliceWithoutAMapIsNotAffected) {
  SliceScores scores;
  scores.lesion_probability = 1;
  EXPECT_THAT(CountAffected(AllLung(), kGrid, kWholeImage, scores).Share(), Optional(0.0F));
}

LungCounts Counts(double position_mm, int64_t right, int64_t right_affected, int64_t left = 0,
                  int64_t left_affected = 0) {
  return {.position_mm = position_mm,
          .lung = {0, right, left},
          .affected = {0, right_affected, left_affected}};
}

TEST(SumAffectedTest, WeighsSlicesByTheirLung) {
  const std::vector<LungCounts> slices = {Counts(30, 100, 0, 100, 50), Counts(0, 100, 100)};
  const std::optional<AffectedLung> shares = SumAffected(slices);
  ASSERT_TRUE(shares.has_value());
  EXPECT_EQ(shares->whole, 0.5F);
  EXPECT_THAT(shares->right, Optional(0.5F));
  EXPECT_THAT(shares->left, Optional(0.5F));
}

// Thirds of the height from the first to the last slice with lung; a slice on a border belongs
// to the lower one.
TEST(SumAffectedTest, ThirdsAreOfTheHeightWithLung) {
  const std::vector<LungCounts> slices = {
      Counts(500, 0, 0),   Counts(130, 10, 1), Counts(111, 10, 2), Counts(100, 10, 3),
      Counts(70.5, 10, 4), Counts(70, 10, 5),  Counts(40, 10, 6),  Counts(-90, 0, 0)};
  const std::optional<AffectedLung> shares = SumAffected(slices);
  ASSERT_TRUE(shares.has_value());
  EXPECT_THAT(shares->upper_third, Optional(0.15F));
  EXPECT_THAT(shares->middle_third, Optional(0.35F));
  EXPECT_THAT(shares->lower_third, Optional(0.55F));
}

TEST(SumAffectedTest, APartWithoutLungHasNoShare) {
  EXPECT_FALSE(SumAffected({}).has_value());
  const std::vector<LungCounts> none = {Counts(10, 0, 0)};
  EXPECT_FALSE(SumAffected(none).has_value());
  const std::vector<LungCounts> one = {Counts(10, 4, 1)};
  const std::optional<AffectedLung> shares = SumAffected(one);
  ASSERT_TRUE(shares.has_value());
  EXPECT_EQ(shares->whole, 0.25F);
  EXPECT_THAT(shares->upper_third, Optional(0.25F));
  EXPECT_THAT(shares->middle_third, Eq(std::nullopt));
  EXPECT_THAT(shares->lower_third, Eq(std::nullopt));
  EXPECT_THAT(shares->left, Eq(std::nullopt));
}

}  // namespace
}  // namespace m3lung
