// SPDX-License-Identifier: Apache-2.0
// The packed mask and its operations, each against OpenCV's on a byte a pixel.
#include "preprocess/lungs/bit_mask.h"

#include <vector>

#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/border_components.h"

namespace m3lung {
namespace {

// Around the words' borders, and the least there are.
const std::vector<cv::Size> kSizes = {{1, 1},   {1, 40},  {40, 1},  {63, 5},   {64, 9},
                                      {65, 17}, {127, 8}, {128, 7}, {130, 33}, {200, 64}};

int Differences(const cv::Mat& a, const cv::Mat& b) { return cv::countNonZero(a != b); }

BitMask Pack(const cv::Mat& mask) {
  cv::Mat hu;
  mask.convertTo(hu, CV_16S, -1);
  return BitMask::Below(hu, 0);
}

// Masks of every size with few to many pixels set, loose or in columns, which an
// opening leaves something of.
std::vector<cv::Mat> RandomMasks() {
  std::vector<cv::Mat> masks;
  cv::RNG rng(7);
  for (const cv::Size& size : kSizes) {
    for (int percent : {0, 2, 15, 35, 50, 65, 85, 98, 100}) {
      for (int height : {1, 3, 9}) {
        cv::Mat noise(size, CV_8UC1);
        rng.fill(noise, cv::RNG::UNIFORM, 0, 100);
        cv::Mat mask = noise < percent;
        cv::dilate(mask, mask, cv::Mat::ones(height, 1, CV_8UC1));
        masks.push_back(mask);
      }
    }
  }
  return masks;
}

cv::Mat WithoutBorderComponents(const cv::Mat& mask) {
  cv::Mat labels, kept = mask.clone();
  cv::connectedComponents(mask, labels, 8);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      const bool border = x == 0 || y == 0 || x == mask.cols - 1 || y == mask.rows - 1;
      if (border && mask.at<uchar>(y, x) != 0) kept.setTo(0, labels == labels.at<int>(y, x));
    }
  }
  return kept;
}

TEST(BitMaskTest, BelowIsStrictOverTheWholeRangeOfInt16) {
  for (int limit : {-32768, -300, 0, 32767}) {
    cv::Mat hu(3, 21846, CV_16SC1);  // not a multiple of 64
    for (int i = 0; i < 65536; ++i) hu.at<int16_t>(i) = static_cast<int16_t>(i - 32768);
    hu.at<int16_t>(65536) = hu.at<int16_t>(65537) = static_cast<int16_t>(limit);
    EXPECT_EQ(Differences(BitMask::Below(hu, static_cast<int16_t>(limit)).Unpack(), hu < limit), 0)
        << limit;
  }
}

TEST(BitMaskTest, UnpacksWhatWasPacked) {
  for (const cv::Mat& mask : RandomMasks()) {
    ASSERT_EQ(Differences(Pack(mask).Unpack(), mask), 0) << mask.size();
  }
}

TEST(BitMaskTest, FindsSetAndClearColumns) {
  for (const cv::Mat& mask : RandomMasks()) {
    const BitMask packed = Pack(mask);
    for (int y = 0; y < mask.rows; ++y) {
      int set = mask.cols, clear = mask.cols;
      EXPECT_EQ(packed.FindSet(y, mask.cols), mask.cols);
      EXPECT_EQ(packed.FindClear(y, mask.cols), mask.cols);
      for (int x = mask.cols - 1; x >= 0; --x) {
        (mask.at<uchar>(y, x) != 0 ? set : clear) = x;
        ASSERT_EQ(packed.FindSet(y, x), set) << mask.size() << " row " << y << " column " << x;
        ASSERT_EQ(packed.FindClear(y, x), clear) << mask.size() << " row " << y << " column " << x;
      }
    }
  }
}

TEST(BitMaskTest, ClearsARunWithinAndOverWords) {
  for (int begin : {0, 1, 62, 63, 64, 65, 127, 128, 199}) {
    for (int end : {1, 2, 63, 64, 65, 66, 128, 129, 199, 200}) {
      if (begin >= end) continue;
      cv::Mat mask(3, 200, CV_8UC1, cv::Scalar(255));
      BitMask packed = Pack(mask);
      packed.Clear(1, begin, end);
      mask(cv::Range(1, 2), cv::Range(begin, end)).setTo(0);
      EXPECT_EQ(Differences(packed.Unpack(), mask), 0) << begin << " to " << end;
    }
  }
}

TEST(BitMaskTest, BoundsAreOpenCvs) {
  for (const cv::Mat& mask : RandomMasks()) {
    ASSERT_EQ(Pack(mask).Bounds(), cv::boundingRect(mask)) << mask.size();
  }
}

TEST(OpenColumnsTest, EqualsOpenCvsOpeningForEvenAndOddHeights) {
  for (int height : {1, 2, 3, 7, 8, 40}) {
    const cv::Mat element = cv::getStructuringElement(cv::MORPH_RECT, cv::Size(1, height));
    for (const cv::Mat& mask : RandomMasks()) {
      cv::Mat expected;
      cv::morphologyEx(mask, expected, cv::MORPH_OPEN, element);
      ASSERT_EQ(Differences(OpenColumns(Pack(mask), height).Unpack(), expected), 0)
          << mask.size() << " by " << height;
    }
  }
}

TEST(DropBorderComponentsTest, EqualsOpenCvsComponents) {
  int kept = 0, dropped = 0;
  for (const cv::Mat& mask : RandomMasks()) {
    const cv::Mat expected = WithoutBorderComponents(mask);
    BitMask packed = Pack(mask);
    DropBorderComponents(packed);
    ASSERT_EQ(Differences(packed.Unpack(), expected), 0) << mask.size();
    kept += cv::countNonZero(expected);
    dropped += cv::countNonZero(mask != expected);
  }
  EXPECT_GT(kept, 1000);
  EXPECT_GT(dropped, 1000);
}

// Rings within one another, each joined to the next by one pixel: whether the
// innermost hangs on the border shows only when all have been followed.
TEST(DropBorderComponentsTest, FollowsRingsInwards) {
  constexpr int kSide = 141, kInnermost = 64;
  cv::Mat mask(kSide, kSide, CV_8UC1, cv::Scalar(0));
  for (int ring = 2; ring <= kInnermost; ring += 2) {
    cv::rectangle(mask, cv::Rect(ring, ring, kSide - 2 * ring, kSide - 2 * ring), 255);
    if (ring < kInnermost) mask.at<uchar>(kSide / 2, ring + 1) = 255;
  }
  BitMask apart = Pack(mask);
  DropBorderComponents(apart);
  EXPECT_EQ(Differences(apart.Unpack(), mask), 0);
  mask.row(kSide / 2).colRange(0, 2).setTo(255);
  BitMask joined = Pack(mask);
  DropBorderComponents(joined);
  EXPECT_EQ(joined.Bounds(), cv::Rect());
}

}  // namespace
}  // namespace m3lung
