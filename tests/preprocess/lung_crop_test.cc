#include "preprocess/lung_crop.h"

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
  EXPECT_EQ(crop.method, CropMethod::kPaper);
  EXPECT_EQ(crop.box, cv::Rect(20, 25 + kShift, 75, 55));
  EXPECT_EQ(cv::countNonZero(crop.mask), 20 * 30 + 25 * 30);
}

TEST(CropLungPaperTest, MarginIsClampedToTheImage) {
  const LungCrop crop = CropLungPaper(Body({{2, 3, 116, 95}}));
  EXPECT_EQ(crop.box, cv::Rect(0, 0, 120, 100));
  EXPECT_EQ(crop.method, CropMethod::kPaper);
}

TEST(CropLungPaperTest, NothingFoundIsTheWholeImage) {
  const LungCrop crop = CropLungPaper(Body({}));
  EXPECT_EQ(crop.method, CropMethod::kNone);
  EXPECT_EQ(crop.box, cv::Rect(0, 0, 120, 100));
  EXPECT_EQ(cv::countNonZero(crop.mask), 0);
}

TEST(CropLungPaperTest, ThresholdExcludesMinus300) {
  cv::Mat hu = Body({});
  hu(cv::Rect(40, 40, 20, 20)).setTo(-300);
  EXPECT_EQ(CropLungPaper(hu).method, CropMethod::kNone);
  hu(cv::Rect(40, 40, 20, 20)).setTo(-301);
  EXPECT_EQ(CropLungPaper(hu).method, CropMethod::kPaper);
}

TEST(CropLungPaperTest, OpeningKeepsEightRowsAndDropsSeven) {
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 30, 7}})).method, CropMethod::kNone);
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 30, 8}})).box, cv::Rect(30, 30 + kShift, 50, 28));
  EXPECT_EQ(CropLungPaper(Body({{40, 40, 1, 8}})).box, cv::Rect(30, 30 + kShift, 21, 28));
}

TEST(CropLungPaperTest, DropsWhatTouchesAnyBorder) {
  for (const cv::Rect& air : {cv::Rect(0, 30, 20, 20), cv::Rect(100, 30, 20, 20),
                              cv::Rect(40, 0, 20, 20), cv::Rect(40, 80, 20, 20)}) {
    EXPECT_EQ(CropLungPaper(Body({air})).method, CropMethod::kNone) << air;
    EXPECT_EQ(CropLungPaper(Body({air, {55, 45, 10, 10}})).box, cv::Rect(45, 35 + kShift, 30, 30))
        << air;
  }
}

TEST(CropLungPaperTest, ComponentsTouchingAtACornerAreOne) {
  // The second block meets the first at a corner, the first meets the border.
  EXPECT_EQ(CropLungPaper(Body({{0, 20, 30, 20}, {30, 40, 20, 20}})).method, CropMethod::kNone);
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
