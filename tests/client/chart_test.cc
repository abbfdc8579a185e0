// SPDX-License-Identifier: Apache-2.0
#include "client/report/chart.h"

#include <algorithm>
#include <string>

#include "client/report/label_colours.h"
#include "fake_server.h"
#include "gmock/gmock.h"

namespace m3lung::client {
namespace {

using ::testing::HasSubstr;

size_t CountOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(LesionChartTest, DrawsEachScoredSliceInItsColour) {
  const v1::StudyAnswer answer = FakeAnswer(10);
  const std::string svg = LesionChart(answer.slices());
  EXPECT_EQ(CountOf("<circle", svg), 10U);
  EXPECT_EQ(CountOf("<rect", svg), 10U);
  // A dot and a cell for each of the five slices of either label.
  EXPECT_EQ(CountOf("fill=\"" + ColourOf(v1::HEALTHY).Css(), svg), 10U);
  EXPECT_EQ(CountOf("fill=\"" + ColourOf(v1::COVID_19).Css(), svg), 10U);
  EXPECT_THAT(svg, HasSubstr("Slice 9, z 0.0 mm: COVID-19, lesion 0.900"));
}

TEST(LesionChartTest, InterruptsTheLineWhereASliceWasNotScored) {
  v1::StudyAnswer answer = FakeAnswer(9);
  answer.mutable_slices(4)->set_scored(false);
  const std::string svg = LesionChart(answer.slices());
  const size_t begin = svg.find(" d=\"") + 4;
  const std::string path = svg.substr(begin, svg.find('"', begin) - begin);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'M'), 2);
  EXPECT_EQ(CountOf("<circle", svg), 8U);
}

TEST(LesionChartTest, StandsAStudyWithoutSlices) {
  EXPECT_THAT(LesionChart({}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace m3lung::client
