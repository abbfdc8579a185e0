// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/bowel.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"

namespace m3lung {
namespace {

constexpr int kSide = 96;
constexpr int kFatHu = -100;

TEST(PutBowelTest, LeavesLungAndLesionsAsTheyAre) {
  cv::Mat hu(kSide, kSide, CV_16SC1, cv::Scalar(kFatHu));
  cv::Mat mask(kSide, kSide, CV_8UC1, cv::Scalar(0));
  const cv::Rect lung(0, 0, kSide, kSide / 4), lesion(0, kSide * 3 / 4, kSide, kSide / 4);
  hu(lung) = -840;
  hu(lesion) = -50;
  mask(lesion) = 1;
  Random random(5);
  int changed = 0;
  for (int i = 0; i < 100; ++i) {
    cv::Mat result = hu.clone();
    PutBowel(&mask, result.cols, random, result);
    EXPECT_EQ(cv::norm(result(lung), hu(lung), cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(result(lesion), hu(lesion), cv::NORM_INF), 0);
    changed += cv::norm(result, hu, cv::NORM_INF) > 0 ? 1 : 0;
  }
  EXPECT_GT(changed, 80);
}

TEST(PutBowelTest, HoldsGasOrFoodWithBubblesOrFluidUnderGas) {
  Random random(6);
  int gas_alone = 0, bubbles = 0, level = 0;
  for (int i = 0; i < 200; ++i) {
    cv::Mat hu(kSide, kSide, CV_16SC1, cv::Scalar(kFatHu));
    PutBowel(nullptr, hu.cols, random, hu);
    double least = 0, most = 0;
    cv::minMaxLoc(hu, &least, &most);
    EXPECT_GE(least, -960);
    EXPECT_LE(most, 45);
    const int gas = cv::countNonZero(hu < -600), food = cv::countNonZero(hu > 0);
    gas_alone += gas > 0 && food == 0 ? 1 : 0;
    bubbles += food > 4 * gas && gas > 0 ? 1 : 0;
    // Gas with food right below it, over a few columns of one row.
    int longest = 0;
    for (int y = 1; y < kSide; ++y) {
      const cv::Mat edge = (hu.row(y - 1) < -800) & (hu.row(y) > 0);
      longest = std::max(longest, cv::countNonZero(edge));
    }
    level += longest >= 6 ? 1 : 0;
  }
  EXPECT_GT(gas_alone, 10);
  EXPECT_GT(bubbles, 20);
  EXPECT_GT(level, 20);
  EXPECT_LT(level, 140);
}

}  // namespace
}  // namespace m3lung
