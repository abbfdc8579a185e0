// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/map_scores.h"

#include "gmock/gmock.h"

namespace m3lung {
namespace {

constexpr int kSize = 64;  // of a mask; maps are 4 x 4, so that a cell is 16 pixels

// High in the cell of this row and column.
LocationMap PeakAt(int row, int column) {
  LocationMap map = {4, 4, std::vector<float>(16, 0.0F)};
  map.values[static_cast<size_t>(4 * row + column)] = 1;
  return map;
}

cv::Mat MaskOf(const cv::Rect& lesion) {
  cv::Mat mask = cv::Mat::zeros(kSize, kSize, CV_8UC1);
  mask(lesion) = 1;
  return mask;
}

TEST(ScoreMapTest, HitsWhereThePeakLiesInALesionOrHalfACellFromIt) {
  // The cell of row 1, column 2 has its middle between pixels 23, 24 and 39, 40.
  EXPECT_TRUE(ScoreMap(PeakAt(1, 2), MaskOf({36, 20, 8, 8}), 0).hit);
  EXPECT_TRUE(ScoreMap(PeakAt(1, 2), MaskOf({46, 20, 8, 8}), 0).hit);
  EXPECT_FALSE(ScoreMap(PeakAt(1, 2), MaskOf({50, 20, 8, 8}), 0).hit);
  EXPECT_FALSE(ScoreMap(PeakAt(3, 0), MaskOf({36, 20, 8, 8}), 0).hit);
}

TEST(ScoreMapTest, APerfectMapScoresOne) {
  LocationMap map = {4, 4, std::vector<float>(16, 0.2F)};
  for (const size_t cell : {8U, 9U, 12U, 13U}) map.values[cell] = 0.8F;
  cv::Mat mask = cv::Mat::zeros(kSize, kSize, CV_8UC1);
  // Where the enlarged map is above the middle of 0.2 and 0.8.
  mask(cv::Rect(0, 32, 32, 32)) = 255;
  const MapResult result = ScoreMap(map, mask, 0);
  EXPECT_TRUE(result.hit);
  EXPECT_GT(result.average_precision, 0.98);
  EXPECT_DOUBLE_EQ(result.lesion_share, 0.25);
  EXPECT_GT(result.overlap[49], 0.97);        // at 0.50
  EXPECT_DOUBLE_EQ(result.overlap[9], 0.25);  // at 0.10: everything
  EXPECT_DOUBLE_EQ(result.overlap[89], 0);    // at 0.90: nothing
}

TEST(ScoreMapTest, AFlatMapIsWorthWhatChanceIs) {
  const LocationMap flat = {4, 4, std::vector<float>(16, 0.5F)};
  const MapResult result = ScoreMap(flat, MaskOf({0, 0, 16, 16}), 0);
  EXPECT_DOUBLE_EQ(result.average_precision, 1 / 16.0);
  EXPECT_DOUBLE_EQ(result.overlap[49], 1 / 16.0);  // a value of 0.5 reaches 0.50
  EXPECT_DOUBLE_EQ(result.overlap[50], 0);
}

TEST(SummariseMapsTest, ChoosesOneThresholdForAll) {
  MapResult one, other;
  one.overlap[20] = 0.9;  // best for one slice alone
  one.overlap[40] = 0.6;
  other.overlap[40] = 0.4;
  one.hit = true;
  one.average_precision = 0.5;
  other.average_precision = 0.1;
  other.study = 1;
  const MapScores scores = SummariseMaps({one, other}, 5, Resamples(2, 200, 1));
  EXPECT_EQ(scores.lesion_slices, 5);
  EXPECT_EQ(scores.mapped_slices, 2);
  EXPECT_FLOAT_EQ(static_cast<float>(scores.threshold), 0.41F);
  EXPECT_DOUBLE_EQ(*scores.overlap.value, 0.5);
  EXPECT_DOUBLE_EQ(*scores.pointing.value, 0.5);
  EXPECT_DOUBLE_EQ(*scores.average_precision.value, 0.3);
  // Either study alone is the extreme.
  EXPECT_DOUBLE_EQ(scores.overlap.interval->low, 0.4);
  EXPECT_DOUBLE_EQ(scores.overlap.interval->high, 0.6);
}

TEST(SummariseMapsTest, HasNoValueWithoutMaps) {
  const MapScores scores = SummariseMaps({}, 3, Resamples(2, 10, 1));
  EXPECT_EQ(scores.lesion_slices, 3);
  EXPECT_FALSE(scores.pointing.value.has_value());
  EXPECT_FALSE(scores.average_precision.value.has_value());
}

}  // namespace
}  // namespace m3lung
