// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_slice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "opencv2/core.hpp"
#include "tests/testing/status_matchers.h"
#include "tests/testing/turned_image.h"

namespace m3lung {
namespace {

using ::m3lung::testing::AllEightWays;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TurnedImage;
using ::testing::AllOf;
using ::testing::FloatNear;
using ::testing::HasSubstr;

constexpr int kWidth = 60;
constexpr int kHeight = 40;
// Of the patient: what the network sees, in the patient's points.
const cv::Rect kCommonBox(12, 8, 32, 32);

int HuOf(int x, int y) { return 100 * y + x; }

StudySlice SliceOf(const TurnedImage& way) {
  HuSlice decoded;
  decoded.hu = way.Draw(HuOf);
  decoded.geometry = way.geometry();
  return ToStudySlice(0, {}, decoded);
}

// 2 x 4 cells in the common orientation, which rise by 0.1 from cell to cell to the left and by
// 0.4 to the back, so that each has a value of its own.
SliceScores Scores() {
  SliceScores scores;
  scores.probabilities = {0.1F, 0.2F, 0.6F, 0.1F};
  scores.lesion_probability = 0.75F;
  scores.map = {.rows = 2, .columns = 4, .values = {0, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F, 0.7F}};
  return scores;
}

// The map at a patient's point, between the middles of its cells in a straight line.
double MapAt(double x, double y) {
  const double column = (x + 0.5 - kCommonBox.x) / kCommonBox.width * 4 - 0.5;
  const double row = (y + 0.5 - kCommonBox.y) / kCommonBox.height * 2 - 0.5;
  return 0.1 * std::clamp(column, 0.0, 3.0) + 0.4 * std::clamp(row, 0.0, 1.0);
}

class StudySliceTest : public ::testing::TestWithParam<TurnedImage> {};

TEST_P(StudySliceTest, TheMapLiesWhereTheLesionLiesInTheSourceImage) {
  const TurnedImage& way = GetParam();
  StudySlice slice = SliceOf(way);
  MakeNetworkInput(kCommonBox, kCommonBox.width, slice);
  const v1::SliceResult full = MakeSliceResult(slice, Scores(), v1::FULL_SIZE, {});
  const v1::LesionMap& map = full.lesion_map();
  EXPECT_EQ(
      cv::Rect(map.covers().x(), map.covers().y(), map.covers().width(), map.covers().height()),
      slice.box);
  ASSERT_EQ(cv::Size(map.columns(), map.rows()), slice.box.size());
  ASSERT_EQ(map.values_size(), slice.box.area());
  for (int row = 0; row < map.rows(); ++row) {
    for (int column = 0; column < map.columns(); ++column) {
      const cv::Point patient = way.PatientAt(slice.box.y + row, slice.box.x + column);
      ASSERT_THAT(map.values(row * map.columns() + column),
                  FloatNear(static_cast<float>(MapAt(patient.x, patient.y)), 1e-5F))
          << "stored row " << row << ", column " << column;
    }
  }
}

TEST_P(StudySliceTest, TheGridOfTheMapIsTurnedAsTheImageIs) {
  const TurnedImage& way = GetParam();
  StudySlice slice = SliceOf(way);
  MakeNetworkInput(kCommonBox, kCommonBox.width, slice);
  for (const v1::LesionMapSize size : {v1::GRID, v1::LESION_MAP_SIZE_UNSPECIFIED}) {
    const v1::SliceResult result = MakeSliceResult(slice, Scores(), size, {});
    const v1::LesionMap& map = result.lesion_map();
    ASSERT_EQ(map.rows(), way.swapped ? 4 : 2);
    ASSERT_EQ(map.columns(), way.swapped ? 2 : 4);
    const TurnedImage cells = {4, 2, way.swapped, way.leftwards, way.backwards};
    for (int row = 0; row < map.rows(); ++row) {
      for (int column = 0; column < map.columns(); ++column) {
        const cv::Point cell = cells.PatientAt(row, column);
        EXPECT_FLOAT_EQ(map.values(row * map.columns() + column),
                        Scores().map.values[4 * cell.y + cell.x]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachWayUp, StudySliceTest,
                         ::testing::ValuesIn(AllEightWays(kWidth, kHeight)));

TEST(SliceResultTest, HoldsWhatIsKnownOfTheSlice) {
  StudySlice slice = SliceOf({kWidth, kHeight});
  slice.summary.header.sop_instance_uid = "1.2";
  slice.summary.instance = 7;
  slice.summary.frame = 3;
  slice.summary.position_mm = -12.5;
  slice.warnings = {"odd"};
  v1::ModelReference model;
  model.set_name("fake");
  const v1::SliceResult scored = MakeSliceResult(slice, Scores(), v1::NO_MAP, model);
  EXPECT_EQ(scored.sop_instance_uid(), "1.2");
  EXPECT_EQ(scored.instance(), 7);
  EXPECT_EQ(scored.frame(), 3);
  EXPECT_EQ(scored.position_mm(), -12.5);
  EXPECT_TRUE(scored.scored());
  EXPECT_EQ(scored.label(), v1::H1N1);
  EXPECT_THAT(scored.probabilities(), ::testing::ElementsAre(0.1F, 0.2F, 0.6F, 0.1F));
  EXPECT_EQ(scored.lesion_probability(), 0.75F);
  EXPECT_THAT(scored.warnings(), ::testing::ElementsAre("odd"));
  EXPECT_EQ(scored.model().name(), "fake");
  EXPECT_EQ(scored.lung_box().method(), "none");
  EXPECT_FALSE(scored.has_lesion_map());
  EXPECT_FALSE(scored.has_index());

  const v1::SliceResult unscored = MakeUnscoredResult(slice, model);
  EXPECT_EQ(unscored.instance(), 7);
  EXPECT_FALSE(unscored.scored());
  EXPECT_EQ(unscored.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_EQ(unscored.probabilities_size(), 0);
}

v1::HuSlice Message(int rows = 20, int columns = 16) {
  v1::HuSlice message;
  message.set_rows(rows);
  message.set_columns(columns);
  message.set_row_spacing_mm(0.5);
  message.set_column_spacing_mm(0.75);
  message.set_position_mm(-100);
  message.set_hu(std::string(2 * rows * columns, '\0'));
  return message;
}

absl::Status Check(const v1::HuSlice& message) {
  DecodeLimits limits;
  limits.max_rows = 32;
  limits.max_columns = 16;
  return CheckHuSlice(message, limits);
}

TEST(CheckHuSliceTest, TakesWhatIsWithinItsBounds) {
  EXPECT_THAT(Check(Message()), IsOk());
  EXPECT_THAT(Check(Message(32, 16)), IsOk());
  v1::HuSlice message = Message();
  message.set_row_spacing_mm(100);
  message.set_column_spacing_mm(100);
  message.set_position_mm(-1e6);
  EXPECT_THAT(Check(message), IsOk());
}

TEST(CheckHuSliceTest, EachSpacingMustBeADistance) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spacing_mm"));
  for (const double mm : {0.0, -0.5, 100.5, kNan, kInfinity, -kInfinity}) {
    v1::HuSlice message = Message();
    message.set_row_spacing_mm(mm);
    EXPECT_THAT(Check(message), is_refused) << mm;
    message = Message();
    message.set_column_spacing_mm(mm);
    EXPECT_THAT(Check(message), is_refused) << mm;
  }
}

TEST(CheckHuSliceTest, SizeBytesAndPositionMustFit) {
  const auto is_refused = [](const char* what) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("HuSlice"), HasSubstr(what)));
  };
  EXPECT_THAT(Check(Message(0, 16)), is_refused("rows and columns"));
  EXPECT_THAT(Check(Message(20, 0)), is_refused("rows and columns"));
  EXPECT_THAT(Check(Message(33, 16)), is_refused("were 33 and 16"));
  EXPECT_THAT(Check(Message(32, 17)), is_refused("were 32 and 17"));
  v1::HuSlice message = Message();
  message.mutable_hu()->push_back('\0');
  EXPECT_THAT(Check(message), is_refused("640 bytes; hu has 641"));
  message = Message();
  message.mutable_hu()->pop_back();
  EXPECT_THAT(Check(message), is_refused("640 bytes; hu has 639"));
  for (const double mm : {1.1e6, -1.1e6, std::numeric_limits<double>::quiet_NaN()}) {
    message = Message();
    message.set_position_mm(mm);
    EXPECT_THAT(Check(message), is_refused("position_mm"));
  }
}

TEST(FromHuSliceTest, ReadsPixelsPlaceAndSpacings) {
  v1::HuSlice message = Message(2, 3);
  message.set_sop_instance_uid("1.2");
  // 1, -1, 256, ... little endian.
  const std::vector<int16_t> hu = {1, -1, 256, -1024, 300, 7};
  message.clear_hu();
  for (const int16_t value : hu) {
    message.mutable_hu()->push_back(static_cast<char>(value & 0xff));
    message.mutable_hu()->push_back(static_cast<char>((value >> 8) & 0xff));
  }
  const StudySlice slice = FromHuSlice(5, message);
  EXPECT_EQ(slice.summary.instance, 5);
  EXPECT_EQ(slice.summary.header.sop_instance_uid, "1.2");
  EXPECT_EQ(slice.summary.position_mm, -100);
  EXPECT_EQ(slice.summary.geometry.row_spacing_mm, 0.5);
  EXPECT_EQ(slice.summary.geometry.column_spacing_mm, 0.75);
  EXPECT_TRUE(slice.summary.orientation.is_identity());
  EXPECT_EQ(slice.box, cv::Rect(0, 0, 3, 2));
  ASSERT_EQ(slice.hu.size(), cv::Size(3, 2));
  EXPECT_TRUE(std::equal(hu.begin(), hu.end(), slice.hu.begin<int16_t>()));
}

TEST(ToDecodeLimitsTest, TakesEachFromItsKey) {
  server::Limits limits;
  limits.set_image_side(101);
  limits.set_frames_per_instance(102);
  limits.set_instance_bytes(2003);
  limits.set_held_bytes(2004);
  limits.set_decode_seconds(5);
  const DecodeLimits decode = ToDecodeLimits(limits);
  EXPECT_EQ(decode.max_rows, 101);
  EXPECT_EQ(decode.max_columns, 101);
  EXPECT_EQ(decode.max_frames, 102);
  EXPECT_EQ(decode.max_inflated_bytes, 2003);
  EXPECT_EQ(decode.max_decoded_bytes, 2004);
  EXPECT_EQ(decode.max_time, absl::Seconds(5));
}

}  // namespace
}  // namespace m3lung
