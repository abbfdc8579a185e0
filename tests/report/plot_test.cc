// SPDX-License-Identifier: Apache-2.0
#include "report/plot.h"

#include <string>

#include "gmock/gmock.h"

namespace m3lung {
namespace {

using ::testing::HasSubstr;

TEST(PlotTest, DrawsTheCurveWhereItLies) {
  const Drawing drawing =
      DrawPlot({"title",
                "x",
                "y",
                {{"a curve", {255, 0, 0}, {{0, 0, 0, ""}, {0, 1, 0, ""}, {1, 1, 0, ""}}}}});
  const cv::Mat picture = Rasterise(drawing, kPlotScale);
  EXPECT_EQ(picture.cols, 900);
  // The square begins at (130, 90) and is 720 wide: half way up its left side.
  EXPECT_EQ(picture.at<cv::Vec3b>(450, 130), cv::Vec3b(0, 0, 255));
  EXPECT_EQ(picture.at<cv::Vec3b>(90, 490), cv::Vec3b(0, 0, 255));
  EXPECT_THAT(Svg(drawing), HasSubstr("stroke=\"#ff0000\" stroke-width=\"1.5\" "
                                      "points=\"65,405 65,45 425,45\""));
}

TEST(PlotTest, LeavesOutPointsTooCloseToTellApart) {
  PlotSeries series = {"", {}, {}};
  for (int i = 0; i <= 100000; ++i) series.points.push_back({i / 1e5, i / 1e5, 0, ""});
  Plot plot = {"", "", "", {series}};
  plot.diagonal = false;
  const std::string svg = Svg(DrawPlot(plot));
  EXPECT_LT(svg.size(), 20000U);
  EXPECT_THAT(svg, HasSubstr(" 425,45\""));  // the end stays
}

TEST(PlotTest, NamesSeriesAndDots) {
  const std::string svg = Svg(DrawPlot({"", "", "", {{"a & b", {}, {{0.5, 0.5, 1, "7 cases"}}}}}));
  EXPECT_THAT(svg, HasSubstr("a &amp; b</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>7 cases</title>"));
}

}  // namespace
}  // namespace m3lung
