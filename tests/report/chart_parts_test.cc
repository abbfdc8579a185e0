// SPDX-License-Identifier: Apache-2.0
#include "report/chart_parts.h"

#include <vector>

#include "gmock/gmock.h"

namespace m3lung {
namespace {

// The boxes of a drawing, by width.
std::vector<double> BoxWidths(const Drawing& drawing) {
  std::vector<double> widths;
  for (const Shape& shape : drawing.shapes) {
    if (const Box* box = std::get_if<Box>(&shape)) widths.push_back(box->place.width);
  }
  return widths;
}

TEST(BarChartTest, ABarIsAsLongAsItsShare) {
  const std::vector<Bar> bars = {
      {"a", 0.25, kBlack, ""}, {"b", 7, kBlack, ""}, {"c", -1, kBlack, ""}};
  // Each after its track.
  EXPECT_THAT(BoxWidths(BarChart("", bars, {.length = 400})),
              ::testing::ElementsAre(400, 100, 400, 400, 400, 0));
}

TEST(BarChartTest, SaysItsValuesToThoseWhoCannotSeeThem) {
  EXPECT_EQ(BarChart("Shares", {{"a", 0.25, kBlack, "25 %"}, {"b", 1, kBlack, "all"}}, {}).title,
            "Shares: a 25 %, b all");
}

TEST(AddDashedLineTest, LeavesGapsAndEndsAtTheEnd) {
  Drawing drawing = {{40, 10}, "", {}};
  AddDashedLine(drawing, {0, 5}, {33, 5});
  const cv::Mat pixels = Rasterise(drawing, 2);
  const auto inked = [&](int x) { return pixels.at<cv::Vec3b>(10, x) != cv::Vec3b(255, 255, 255); };
  EXPECT_TRUE(inked(4));
  EXPECT_FALSE(inked(15));
  EXPECT_TRUE(inked(24));
  EXPECT_TRUE(inked(64));
  EXPECT_FALSE(inked(72));
}

}  // namespace
}  // namespace m3lung
