// SPDX-License-Identifier: Apache-2.0
// Geometry, order, windows and reasons: what a slice carries besides its pixels.
#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preprocess/hu_slice.h"
#include "preprocess/skip_reason.h"
#include "preprocess/windowing.h"

namespace m3lung {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

TEST(SliceGeometryTest, NormalPointsToTheHeadForEitherHandedness) {
  SliceGeometry supine = {
      .position = {1, 2, -30}, .row_direction = {1, 0, 0}, .column_direction = {0, 1, 0}};
  EXPECT_THAT(supine.Normal(), ElementsAre(0, 0, 1));
  EXPECT_DOUBLE_EQ(supine.PositionAlongNormal(), -30);
  SliceGeometry feet_first = supine;
  feet_first.row_direction = {-1, 0, 0};
  EXPECT_THAT(feet_first.Normal(), ElementsAre(0, 0, 1));
  EXPECT_DOUBLE_EQ(feet_first.PositionAlongNormal(), -30);
}

TEST(SliceGeometryTest, TiltedSliceIsPlacedAlongItsOwnNormal) {
  const double c = std::cos(0.3), s = std::sin(0.3);
  const SliceGeometry tilted = {
      .position = {0, 10, 100}, .row_direction = {1, 0, 0}, .column_direction = {0, c, s}};
  EXPECT_THAT(tilted.Normal(),
              ElementsAre(DoubleNear(0, 1e-12), DoubleNear(-s, 1e-12), DoubleNear(c, 1e-12)));
  EXPECT_NEAR(tilted.PositionAlongNormal(), 100 * c - 10 * s, 1e-9);
}

TEST(OrderHeadToFeetTest, FallsAlongTheNormalAndKeepsTies) {
  EXPECT_THAT(OrderHeadToFeet({-5, 10, 0, 10, -7.5}), ElementsAre(1, 3, 2, 0, 4));
  EXPECT_THAT(OrderHeadToFeet({}), ElementsAre());
}

TEST(ApplyWindowTest, MapsTheWindowToAllGreys) {
  const cv::Mat hu = (cv::Mat_<int16_t>(1, 7) << -32768, -1200, -1199, -600, 0, 1, 32767);
  const cv::Mat grey = ApplyWindow(hu, -600, 1200);
  ASSERT_EQ(grey.type(), CV_8UC1);
  EXPECT_THAT(std::vector<int>(grey.begin<uchar>(), grey.end<uchar>()),
              ElementsAre(0, 0, 0, ::testing::AnyOf(127, 128), 255, 255, 255));
}

TEST(SkipErrorTest, CarriesItsReasonAndCode) {
  const absl::Status error = SkipError(SkipReason::kLocalizer, "why");
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(error.message(), "why");
  EXPECT_EQ(SkipReasonOf(error), SkipReason::kLocalizer);
  EXPECT_EQ(SkipError(SkipReason::kTooLarge, "").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(SkipReasonOf(absl::InternalError("")), SkipReason::kMalformed);
}

}  // namespace
}  // namespace m3lung
