// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_crop.h"

#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"

namespace m3lung {
namespace {

// OpenCV's default anchor of an even kernel is not its middle, so each opening
// moves what it keeps down by a pixel. The paper's steps make two of them.
constexpr int kShift = 2;

// Soft tissue that fills the image, with rectangles of lung.
cv::Mat Body(std::initializer_list<cv::Rect> lungs) {
  cv::Mat hu(100, 120, CV_16SC1, cv::Scalar(40));
  for (const cv::Rect& lung : lungs) hu(lung).setTo(-850);
  return hu;
}

TEST(CropLungPaperTest, BoxIsBoundsWithTenPixelsOfMargin) {
  const LungCrop crop = CropLungPaper(Body({{30, 40, 20, 30}, {60, 35, 25, 30}}));
  EXPECT_EQ(crop.method, CropMode::kPaper);
  EXPECT_EQ(crop.box, cv::Rect(20, 25 + kShift, 75, 55));
}

TEST(CropLungPaperTest, MarginIsClampedToTheImage) {
  const LungCrop crop = CropLungPaper(Body({{2, 3, 116, 95}}));
  EXPECT_EQ(crop.box, cv::Rect(0, 0, 120, 100));
  EXPECT_EQ(crop.method, CropMode::kPaper);
}

TEST(CropLungPaperTest, NothingFoundIsTheWholeImage) {
  const LungCrop crop = CropLungPaper(Body({}));
  EXPECT_EQ(crop.method, std::nullopt);
  EXPECT_EQ(crop.box, cv::Rect(0, 0, 120, 100));
  EXPECT_EQ(cv::countNonZero(LungMaskPaper(Body({}))), 0);
}

TEST(CropLungPaperTest, ThresholdExcludesMinus300) {
  cv::Mat hu = Body({});
  hu(cv::Rect(40, 40, 20, 20)).setTo(-300);
  EXPECT_EQ(CropLungPaper(hu).method, std::nullopt);
  hu(cv::Rect(40, 40, 20, 20)).setTo(-301);
  EXPECT_EQ(CropLungPaper(hu).method, CropMode::kPaper);
}

TEST(CropLungPaperTest, OpeningKeepsEightRowsAndDropsSeven) {
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 30, 7}})).method, std::nullopt);
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 30, 8}})).box, cv::Rect(30, 30 + kShift, 50, 28));
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 1, 8}})).box, cv::Rect(30, 30 + kShift, 21, 28));
}

TEST(CropLungPaperTest, DropsWhatTouchesAnyBorder) {
  for (const cv::Rect& air : {cv::Rect(0, 30, 20, 20), cv::Rect(100, 30, 20, 20),
                              cv::Rect(40, 0, 20, 20), cv::Rect(40, 80, 20, 20)}) {
    EXPECT_EQ(CropLungPaper(Body({air})).method, std::nullopt) << air;
    EXPECT_EQ(CropLungPaper(Body({air, {55, 45, 10, 10}})).box, cv::Rect(45, 35 + kShift, 30, 30))
        << air;
  }
}

TEST(CropLungPaperTest, ComponentsTouchingAtACornerAreOne) {
  // The second block meets the first at a corner, the first meets the border.
  EXPECT_EQ(CropLungPaper(Body({{0, 20, 30, 20}, {30, 40, 20, 20}})).method, std::nullopt);
}

TEST(LungMaskPaperTest, IsTheLungMovedDown) {
  const cv::Rect lung(30, 40, 20, 30);
  cv::Mat expected(100, 120, CV_8UC1, cv::Scalar(0));
  expected(lung + cv::Point(0, kShift)).setTo(255);
  const cv::Mat mask = LungMaskPaper(Body({lung}));
  ASSERT_EQ(mask.type(), CV_8UC1);
  ASSERT_EQ(mask.size(), expected.size());
  EXPECT_EQ(cv::countNonZero(mask != expected), 0);
}

// The paper's steps as OpenCV makes them.
cv::Mat ReferenceMask(const cv::Mat& hu) {
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_RECT, cv::Size(1, 8));
  cv::Mat mask, labels;
  cv::compare(hu, cv::Scalar(-300), mask, cv::CMP_LT);
  cv::morphologyEx(mask, mask, cv::MORPH_OPEN, element);
  const int count = cv::connectedComponents(mask, labels, 8);
  for (int label = 1; label < count; ++label) {
    const cv::Mat component = labels == label;
    const cv::Rect box = cv::boundingRect(component);
    if (box.x == 0 || box.y == 0 || box.br().x == hu.cols || box.br().y == hu.rows) {
      mask.setTo(0, component);
    }
  }
  cv::morphologyEx(mask, mask, cv::MORPH_OPEN, element);
  return mask;
}

// Ellipses of lung, air and tissue laid over one another, some beyond the border,
// and a table of few rows; then noise.
cv::Mat RandomSlice(cv::RNG& rng, int rows, int columns) {
  cv::Mat hu(rows, columns, CV_16SC1, cv::Scalar(40));
  const int count = rng.uniform(1, 25);
  for (int i = 0; i < count; ++i) {
    const cv::RotatedRect shape(
        cv::Point2f(rng.uniform(0.0f, float(columns)), rng.uniform(0.0f, float(rows))),
        cv::Size2f(rng.uniform(1.0f, columns / 2.0f + 2), rng.uniform(1.0f, rows / 2.0f + 2)),
        rng.uniform(0.0f, 180.0f));
    cv::ellipse(hu, shape, cv::Scalar(rng.uniform(0, 3) == 0 ? 40 : -850), cv::FILLED);
  }
  hu.row(rng.uniform(0, rows)).setTo(-500);
  cv::Mat noise(rows, columns, CV_16SC1);
  rng.fill(noise, cv::RNG::NORMAL, 0, rng.uniform(0, 2) == 0 ? 20 : 250);
  return hu + noise;
}

TEST(CropLungPaperTest, EqualsOpenCvOnRandomSlices) {
  cv::RNG rng(4);
  int found = 0;
  for (int i = 0; i < 400; ++i) {
    const cv::Mat hu = RandomSlice(rng, rng.uniform(1, 200), rng.uniform(1, 260));
    const cv::Mat reference = ReferenceMask(hu);
    ASSERT_EQ(cv::countNonZero(LungMaskPaper(hu) != reference), 0) << i << ": " << hu.size();
    const cv::Rect image(0, 0, hu.cols, hu.rows), bounds = cv::boundingRect(reference);
    const LungCrop crop = CropLungPaper(hu);
    if (bounds.empty()) {
      ASSERT_EQ(crop.method, std::nullopt) << i;
      ASSERT_EQ(crop.box, image) << i;
    } else {
      ++found;
      const cv::Rect box = (bounds - cv::Point(10, 10)) + cv::Size(20, 20);
      ASSERT_EQ(crop.method, CropMode::kPaper) << i;
      ASSERT_EQ(crop.box, box & image) << i;
    }
  }
  EXPECT_GT(found, 100);  // or the slices prove little
  EXPECT_LT(found, 390);
}

TEST(CropLungPaperTest, LooksAtNothingOutsideAPartOfAnImage) {
  const cv::Mat whole = Body({{10, 0, 25, 100}, {50, 30, 20, 30}});
  const cv::Mat part = whole(cv::Rect(7, 20, 101, 70));
  ASSERT_FALSE(part.isContinuous());
  EXPECT_EQ(CropLungPaper(part).box, CropLungPaper(part.clone()).box);
  EXPECT_EQ(CropLungPaper(part).box, cv::Rect(33, kShift, 40, 50));
}

TEST(ResizeCropTest, KeepsAFlatRegionAndInterpolatesBetweenPixels) {
  cv::Mat hu(4, 4, CV_16SC1, cv::Scalar(-700));
  hu.col(2).setTo(300);
  hu.col(3).setTo(300);
  const cv::Mat resized = ResizeCrop(hu, cv::Rect(0, 0, 4, 4), 8);
  ASSERT_EQ(resized.type(), CV_16SC1);
  ASSERT_EQ(resized.size(), cv::Size(8, 8));
  EXPECT_EQ(resized.at<int16_t>(0, 0), -700);
  EXPECT_EQ(resized.at<int16_t>(5, 3), -450);  // a quarter of the way
  EXPECT_EQ(resized.at<int16_t>(5, 4), 50);
  EXPECT_EQ(resized.at<int16_t>(7, 7), 300);
  const cv::Mat part = ResizeCrop(hu, cv::Rect(2, 1, 2, 3), 5);
  EXPECT_EQ(cv::countNonZero(part != 300), 0);
}

}  // namespace
}  // namespace m3lung
