// SPDX-License-Identifier: Apache-2.0
#include "client/report/lesion_overlay.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung::client {
namespace {

using m3lung::testing::StatusIs;
using ::testing::HasSubstr;

// 2 x 2 over `covers`: the right column is 1, the left one 0.
v1::LesionMap RightHalf(const cv::Rect& covers) {
  v1::LesionMap map;
  map.set_rows(2);
  map.set_columns(2);
  for (const float value : {0.0F, 1.0F, 0.0F, 1.0F}) map.add_values(value);
  map.mutable_covers()->set_x(covers.x);
  map.mutable_covers()->set_y(covers.y);
  map.mutable_covers()->set_width(covers.width);
  map.mutable_covers()->set_height(covers.height);
  return map;
}

bool IsGrey(const cv::Vec3b& bgr) { return bgr[0] == bgr[1] && bgr[1] == bgr[2]; }

TEST(OverlayLesionMapTest, PaintsProbableRed) {
  const cv::Mat grey(40, 60, CV_8UC1, cv::Scalar(100));
  const cv::Rect box(7, 9, 60, 40);
  M3L_ASSERT_OK_AND_ASSIGN(const cv::Mat overlay, OverlayLesionMap(grey, box, RightHalf(box)));
  ASSERT_EQ(overlay.size(), grey.size());
  ASSERT_EQ(overlay.type(), CV_8UC3);
  const auto left = overlay.at<cv::Vec3b>(20, 2);
  const auto right = overlay.at<cv::Vec3b>(20, 57);
  EXPECT_GT(left[0], left[2]);    // blue
  EXPECT_GT(right[2], right[0]);  // red
}

TEST(OverlayLesionMapTest, LeavesGreyWhatTheMapDoesNotCover) {
  const cv::Mat grey(40, 60, CV_8UC1, cv::Scalar(100));
  M3L_ASSERT_OK_AND_ASSIGN(const cv::Mat overlay,
                           OverlayLesionMap(grey, {10, 10, 60, 40}, RightHalf({30, 10, 100, 20})));
  EXPECT_TRUE(IsGrey(overlay.at<cv::Vec3b>(5, 19)));
  EXPECT_FALSE(IsGrey(overlay.at<cv::Vec3b>(5, 21)));
  EXPECT_TRUE(IsGrey(overlay.at<cv::Vec3b>(21, 30)));
}

TEST(OverlayLesionMapTest, RefusesAMapThatContradictsItself) {
  const cv::Mat grey(4, 4, CV_8UC1, cv::Scalar(0));
  v1::LesionMap map = RightHalf({0, 0, 4, 4});
  map.set_rows(3);
  EXPECT_THAT(OverlayLesionMap(grey, {0, 0, 4, 4}, map),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("contradict")));
  map.set_rows(65536);
  map.set_columns(65536);  // their product does not fit 32 bits
  EXPECT_THAT(OverlayLesionMap(grey, {0, 0, 4, 4}, map),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("contradict")));
}

TEST(MapShowsLesionTest, OnlyOnSlicesCalledDiseased) {
  v1::SliceResult slice;
  slice.set_lesion_probability(0.49F);
  EXPECT_FALSE(MapShowsLesion(slice));
  slice.set_lesion_probability(0.51F);
  EXPECT_TRUE(MapShowsLesion(slice));
}

}  // namespace
}  // namespace m3lung::client
