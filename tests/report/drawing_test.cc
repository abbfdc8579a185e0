// SPDX-License-Identifier: Apache-2.0
#include "report/drawing.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "opencv2/core.hpp"
#include "report/chart_parts.h"
#include "report/plot.h"

namespace m3lung {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Colour kRed = {255, 0, 0};
constexpr Colour kBlue = {0, 0, 255};

cv::Vec3b PixelOf(const Colour& colour) { return {colour.blue, colour.green, colour.red}; }

Drawing Alone(const Shape& shape, const cv::Size2d& size) {
  Drawing drawing = {size, "", {}};
  drawing.Add(shape);
  return drawing;
}

// The attributes of the one shape in `svg`, without those of the <svg> itself.
std::map<std::string, std::string> AttributesOf(const std::string& svg) {
  std::map<std::string, std::string> attributes;
  const std::string shape = svg.substr(svg.find('>') + 1);
  const std::regex pair("([a-z-]+)=\"([^\"]*)\"");
  for (std::sregex_iterator it(shape.begin(), shape.end(), pair), end; it != end; ++it) {
    attributes[(*it)[1]] = (*it)[2];
  }
  return attributes;
}

// Where a shape lies by its SVG, and, of text, only the anchor.
cv::Rect2d PlaceInSvg(const Drawing& drawing) {
  std::map<std::string, std::string> attributes = AttributesOf(Svg(drawing));
  const auto number = [&](const char* name) { return std::atof(attributes[name].c_str()); };
  if (attributes.count("cx") > 0) {
    const double r = number("r");
    return {number("cx") - r, number("cy") - r, 2 * r, 2 * r};
  }
  if (attributes.count("points") > 0) {
    std::istringstream points(attributes["points"]);
    double left = 1e9, top = 1e9, right = -1e9, bottom = -1e9, x = 0, y = 0;
    for (char comma; points >> x >> comma >> y;) {
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
    return {left, top, right - left, bottom - top};
  }
  if (attributes.count("transform") > 0) {
    cv::Rect2d at;
    EXPECT_EQ(std::sscanf(attributes["transform"].c_str(), "translate(%lf %lf) rotate(-90)", &at.x,
                          &at.y),
              2);
    return at;
  }
  return {number("x"), number("y"), number("width"), number("height")};
}

cv::Rect2d Scaled(const cv::Rect2d& place, double scale) {
  return {place.tl() * scale, place.br() * scale};
}

// Where `picture` is not white.
cv::Rect2d Inked(const cv::Mat& picture) {
  const cv::Mat ink = picture.reshape(1) != 255;
  int left = picture.cols, right = 0, top = picture.rows, bottom = 0;
  for (int y = 0; y < ink.rows; ++y) {
    for (int x = 0; x < ink.cols; ++x) {
      if (ink.at<uint8_t>(y, x) == 0) continue;
      left = std::min(left, x / 3);
      right = std::max(right, x / 3 + 1);
      top = std::min(top, y);
      bottom = std::max(bottom, y + 1);
    }
  }
  return {cv::Point2d(left, top), cv::Point2d(right, bottom)};
}

// All edges within `most` pixels.
void ExpectNear(const cv::Rect2d& is, const cv::Rect2d& expected, double most,
                const std::string& svg) {
  const cv::Point2d first = is.tl() - expected.tl();
  const cv::Point2d last = is.br() - expected.br();
  for (const double off : {first.x, first.y, last.x, last.y}) {
    EXPECT_LE(std::abs(off), most) << svg << "\npixels " << is << ", SVG " << expected;
  }
}

// `svg` says which point of the text its anchor is.
void ExpectTextAtItsAnchor(const cv::Rect2d& ink, const cv::Point2d& anchor, const std::string& svg,
                           double tolerance) {
  std::map<std::string, std::string> attributes = AttributesOf(svg);
  const bool upwards = attributes.count("transform") > 0;
  const double share = attributes["text-anchor"] == "middle" ? 0.5
                       : attributes["text-anchor"] == "end"  ? 1
                                                             : 0;
  // Along the text, from its start, and across it, up from the base line.
  const double start = upwards ? anchor.y - ink.br().y : ink.x - anchor.x;
  const double end = upwards ? anchor.y - ink.y : ink.br().x - anchor.x;
  const double base = upwards ? anchor.x - ink.br().x : anchor.y - ink.br().y;
  EXPECT_NEAR(start + share * (end - start), 0, tolerance) << svg;
  EXPECT_NEAR(base, 0, tolerance) << svg;
}

// Each shape by itself lies where its SVG says.
void ExpectWritersAgree(const Drawing& drawing, const std::vector<double>& scales) {
  for (Shape shape : drawing.shapes) {
    // Pale colours would not be found on white.
    std::visit(
        [](auto& any) {
          if constexpr (requires { any.paint; }) any.paint = kBlack;
          if constexpr (requires { any.style; }) any.style.paint = kBlack;
        },
        shape);
    const Drawing alone = Alone(shape, drawing.size);
    const cv::Rect2d place = PlaceInSvg(alone);
    if (std::holds_alternative<Box>(shape) && place.area() == 0) continue;
    for (const double scale : scales) {
      const cv::Rect2d ink = Inked(Rasterise(alone, scale));
      const cv::Rect2d expected = Scaled(place, scale);
      if (const Text* text = std::get_if<Text>(&shape)) {
        // Letters such as g and y go below the base line.
        if (text->text.find_first_of("gjpqy(),") != std::string::npos) continue;
        ExpectTextAtItsAnchor(ink, expected.tl(), Svg(alone), 3 * scale);
      } else {
        const Line* line = std::get_if<Line>(&shape);
        ExpectNear(ink, expected, 2 + (line == nullptr ? 0 : line->width * scale), Svg(alone));
      }
    }
  }
}

TEST(DrawingTest, SvgAndPixelsAgreeOnEveryShape) {
  const cv::Mat picture(20, 30, CV_8UC3, cv::Scalar(10, 20, 30));
  Drawing drawing = {{300, 200}, "", {}};
  drawing.Add(Line{{{20, 30}, {70, 90}, {120, 40}}, kRed, 3});
  drawing.Add(Box{{150, 20, 33, 44}, kBlue, 0.5, "a hint"});
  drawing.Add(Dot{{220, 60}, 12, kRed, 0.7, ""});
  drawing.Add(Text{"HEIM", {150, 100}, {16}});
  drawing.Add(Text{"HEIM", {150, 130}, {16}, Anchor::kMiddle});
  drawing.Add(Text{"HEIM", {150, 160}, {16}, Anchor::kEnd});
  drawing.Add(Text{"HEIM", {200, 150}, {16}, Anchor::kStart, /*upwards=*/true});
  drawing.Add(Text{"HEIM", {230, 150}, {16}, Anchor::kMiddle, /*upwards=*/true});
  drawing.Add(Text{"HEIM", {260, 150}, {16, StyleColour::kInk, true}, Anchor::kEnd, true});
  drawing.Add(Picture{picture, {40, 110, 60, 50}, "a picture"});
  ExpectWritersAgree(drawing, {1, 2});
}

TEST(DrawingTest, SvgAndPixelsAgreeOnWholeFigures) {
  const Plot plot = {"A TITLE",
                     "the x axis",
                     "THE Y AXIS",
                     {{"one", kRed, {{0, 0.25, 0.5, "few"}, {0.5, 0.5, 1, "many"}, {1, 1, 0, ""}}},
                      {"two", kBlue, {{0.25, 0, 0, ""}, {0.75, 1, 0, ""}}}},
                     /*diagonal=*/false};
  ExpectWritersAgree(DrawPlot(plot), {1});
  ExpectWritersAgree(
      BarChart("", {{"none", 0, kRed, "0.00"}, {"half", 0.5, kBlue, "0.50", true}}, {}), {1});
  Drawing plates = {{400, 200}, "", {}};
  for (const Corner corner : {Corner::kTopLeft, Corner::kTopRight, Corner::kBottomLeft,
                              Corner::kMiddleLeft, Corner::kMiddleRight}) {
    AddPlate(plates, "HE", {20, 10, 360, 180}, corner, {15, kWhite});
  }
  ExpectWritersAgree(plates, {1});
}

TEST(DrawingTest, PaintsInOrderAndInItsColours) {
  Drawing drawing = {{100, 100}, "", {}};
  drawing.Add(Box{{0, 0, 100, 100}, kRed});
  drawing.Add(Box{{50, 0, 50, 100}, kBlue, 0.5, ""});
  drawing.Add(Dot{{25, 50}, 10, kBlue});
  drawing.Add(Dot{{25, 20}, 10, kBlue, 0.5});
  drawing.Add(Picture{cv::Mat(2, 2, CV_8UC3, cv::Scalar(1, 2, 3)), {0, 80, 20, 20}, ""});
  const cv::Mat pixels = Rasterise(drawing, 2);
  ASSERT_EQ(pixels.size(), cv::Size(200, 200));
  EXPECT_EQ(pixels.at<cv::Vec3b>(5, 5), PixelOf(kRed));
  EXPECT_EQ(pixels.at<cv::Vec3b>(20, 150), cv::Vec3b(128, 0, 128));
  EXPECT_EQ(pixels.at<cv::Vec3b>(100, 50), PixelOf(kBlue));
  EXPECT_EQ(pixels.at<cv::Vec3b>(40, 50), cv::Vec3b(128, 0, 128));
  EXPECT_EQ(pixels.at<cv::Vec3b>(180, 20), cv::Vec3b(1, 2, 3));
}

TEST(DrawingTest, APartIsMovedAsAWhole) {
  Drawing part = {{50, 50}, "", {}};
  part.Add(Box{{1, 2, 10, 10}, kRed});
  part.Add(Dot{{30, 10}, 5, kRed});
  part.Add(Line{{{5, 30}, {40, 30}}, kRed, 2});
  part.Add(Text{"HE", {5, 48}, {12, kRed}});
  part.Add(Picture{cv::Mat(5, 5, CV_8UC3, cv::Scalar::all(0)), {40, 40, 5, 5}, ""});
  Drawing whole = {{150, 120}, "", {}};
  whole.Add(part, {100, 60});
  const cv::Mat moved = Rasterise(whole)(cv::Rect(100, 60, 50, 50));
  EXPECT_EQ(cv::norm(moved, Rasterise(part), cv::NORM_INF), 0);
}

TEST(DrawingTest, WhatLiesBeyondTheEdgeIsLeftOut) {
  Drawing drawing = {{40, 40}, "", {}};
  const cv::Mat picture(10, 10, CV_8UC3, cv::Scalar::all(0));
  for (const cv::Point2d& at : {cv::Point2d(-5, -5), cv::Point2d(35, 35), cv::Point2d(90, 90)}) {
    drawing.Add(Box{{at.x, at.y, 10, 10}, kRed});
    drawing.Add(Dot{at, 10, kRed});
    drawing.Add(Line{{at, {20, 20}}, kRed, 3});
    drawing.Add(Text{"HE", at, {12}});
    drawing.Add(Text{"HE", at, {12}, Anchor::kMiddle, /*upwards=*/true});
    drawing.Add(Picture{picture, {at.x, at.y, 10, 10}, ""});
  }
  EXPECT_EQ(Rasterise(drawing).size(), cv::Size(40, 40));
}

TEST(SvgTest, EscapesEveryWord) {
  const std::string hostile = "<b>&\"'";
  Drawing drawing = {{10, 10}, hostile, {}};
  drawing.Add(Box{{0, 0, 1, 1}, kRed, 1, hostile});
  drawing.Add(Dot{{0, 0}, 1, kRed, 1, hostile});
  drawing.Add(Text{hostile, {0, 0}, {}});
  drawing.Add(Picture{cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(0)), {0, 0, 1, 1}, hostile});
  const std::string svg = Svg(drawing);
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  size_t count = 0;
  const std::string escaped = "&lt;b&gt;&amp;&quot;&#39;";
  for (size_t at = 0; (at = svg.find(escaped, at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 5U);
}

TEST(SvgTest, TakesTheStylesColoursFromThePage) {
  Drawing drawing = {{10, 10}, "", {}};
  drawing.Add(Text{"a", {0, 0}, {10, StyleColour::kFaint}});
  EXPECT_THAT(Svg(drawing), HasSubstr("fill=\"var(--faint)\""));
  EXPECT_THAT(StyleVariables(/*dark=*/false), HasSubstr("--faint:#5c6470;"));
  EXPECT_THAT(StyleVariables(/*dark=*/true), HasSubstr("--faint:#a3abb8;"));
  EXPECT_EQ(PrintedColour(StyleColour::kFaint).Css(), "#5c6470");
}

TEST(WrapTextTest, BreaksAtSpacesAndCutsWhatIsTooLong) {
  const TextStyle style = {15};
  const std::string word(60, 'w');
  const std::vector<std::string> lines = WrapText("one two " + word + " three", 200, style);
  std::string all;
  for (const std::string& line : lines) {
    EXPECT_LE(TextWidth(line, style), 200) << line;
    all += line;
  }
  EXPECT_EQ(lines.front(), "one two");
  EXPECT_THAT(all, HasSubstr(word));
  EXPECT_TRUE(WrapText("", 200, style).empty());
  EXPECT_EQ(WrapText("\u00e4\u00f6", 1, style), (std::vector<std::string>{"\u00e4", "\u00f6"}));
}

}  // namespace
}  // namespace m3lung
