// SPDX-License-Identifier: Apache-2.0
#include "client/report/chart.h"

#include <string>
#include <variant>
#include <vector>

#include "client/report/label_colours.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "report/drawing.h"
#include "tests/testing/count_of.h"

namespace m3lung::client {
namespace {

using ::m3lung::testing::CountOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LesionChartTest, DrawsEachScoredSliceInItsColour) {
  const v1::StudyAnswer answer = FakeAnswer(10);
  const std::string svg = Svg(LesionChart(answer.slices()));
  EXPECT_EQ(CountOf("<circle", svg), 10U);
  EXPECT_EQ(CountOf("<rect", svg), 10U + 5U);
  // A dot and a cell for each of the five slices of either label, and one in the key.
  EXPECT_EQ(CountOf("fill=\"" + ColourOf(v1::HEALTHY).Css(), svg), 10U + 1U);
  EXPECT_EQ(CountOf("fill=\"" + ColourOf(v1::COVID_19).Css(), svg), 10U + 1U);
  EXPECT_THAT(svg, HasSubstr("Slice 9, z 0.0 mm: COVID-19, lesion 0.900"));
}

TEST(LesionChartTest, InterruptsTheLineWhereASliceWasNotScored) {
  v1::StudyAnswer answer = FakeAnswer(9);
  answer.mutable_slices(4)->set_scored(false);
  const Drawing chart = LesionChart(answer.slices());
  // Of grid and axis no line has more than two points.
  std::vector<size_t> courses;
  for (const Shape& shape : chart.shapes) {
    const Line* line = std::get_if<Line>(&shape);
    if (line != nullptr && line->points.size() > 2) courses.push_back(line->points.size());
  }
  EXPECT_THAT(courses, ElementsAre(4, 4));
  EXPECT_EQ(CountOf("<circle", Svg(chart)), 8U);
}

TEST(LesionChartTest, StandsAStudyWithoutSlices) {
  EXPECT_THAT(Svg(LesionChart({})), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace m3lung::client
