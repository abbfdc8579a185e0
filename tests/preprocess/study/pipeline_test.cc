// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/pipeline.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "preprocess/skip_reason.h"
#include "tests/preprocess/dicom_builder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/turned_image.h"

namespace m3lung {
namespace {

using ::m3lung::testing::AllEightWays;
using ::m3lung::testing::DicomBuilder;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TurnedImage;
using ::testing::HasSubstr;

constexpr int kWidth = 60;
constexpr int kHeight = 40;
// Of the patient: what the network sees, in the patient's points.
const cv::Rect kCommonBox(12, 8, 32, 32);

int HuOf(int x, int y) { return 100 * y + x; }
// A corner of the patient, so that no turn of it is the same.
int MaskAt(int x, int y) { return x < 20 && y < 16 ? 255 : 0; }

StudySlice SliceOf(const TurnedImage& way) {
  HuSlice decoded;
  decoded.hu = way.Draw(HuOf);
  decoded.geometry = way.geometry();
  return ToStudySlice(0, {}, decoded);
}

class NetworkInputTest : public ::testing::TestWithParam<TurnedImage> {};

TEST_P(NetworkInputTest, ShowsThePatientTheUsualWayUp) {
  StudySlice slice = SliceOf(GetParam());
  const cv::Mat stored = slice.hu.clone();
  MakeNetworkInput(kCommonBox, kCommonBox.width, slice);
  ASSERT_EQ(slice.input.size(), kCommonBox.area());
  for (int y = 0; y < kCommonBox.height; ++y) {
    for (int x = 0; x < kCommonBox.width; ++x) {
      ASSERT_EQ(slice.input[y * kCommonBox.width + x], HuOf(kCommonBox.x + x, kCommonBox.y + y));
    }
  }
  // The box in the image as stored holds the same points of the patient.
  ASSERT_EQ(slice.box & cv::Rect({0, 0}, stored.size()), slice.box);
  double least = 0, most = 0;
  cv::minMaxLoc(stored(slice.box), &least, &most);
  EXPECT_EQ(least, HuOf(kCommonBox.x, kCommonBox.y));
  EXPECT_EQ(most, HuOf(kCommonBox.br().x - 1, kCommonBox.br().y - 1));
  EXPECT_EQ(slice.method, CropMode::kVolume);
  EXPECT_TRUE(slice.hu.empty());
}

TEST_P(NetworkInputTest, AMaskLiesOnTheInputAsItLiesOnTheImage) {
  const TurnedImage& way = GetParam();
  cv::Mat stored;
  way.Draw(MaskAt).convertTo(stored, CV_8U);
  const StudySlice slice = SliceOf(way);
  const cv::Mat mask = MaskOfInput(stored, slice.summary.orientation, kCommonBox, kCommonBox.width);
  ASSERT_EQ(mask.size(), kCommonBox.size());
  for (int y = 0; y < kCommonBox.height; ++y) {
    for (int x = 0; x < kCommonBox.width; ++x) {
      ASSERT_EQ(mask.at<uint8_t>(y, x), MaskAt(kCommonBox.x + x, kCommonBox.y + y) / 255);
    }
  }
}

TEST_P(NetworkInputTest, ThePapersBoxIsTheWholeImageWhereNoLungIsFound) {
  StudySlice slice = SliceOf(GetParam());
  const cv::Rect whole({0, 0}, slice.hu.size());
  MakeNetworkInputByPaper(16, slice);
  EXPECT_EQ(slice.box, whole);
  EXPECT_EQ(slice.method, std::nullopt);
  EXPECT_EQ(slice.input.size(), 16 * 16);
}

INSTANTIATE_TEST_SUITE_P(EachWayUp, NetworkInputTest,
                         ::testing::ValuesIn(AllEightWays(kWidth, kHeight)));

TEST(ReadInstanceTest, ASliceCarriesItsPlaceInTheOrderSent) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<StudySlice> slices,
                           ReadInstance(5, DicomBuilder().Build(), {}));
  ASSERT_EQ(slices.size(), 1);
  EXPECT_EQ(slices[0].summary.instance, 5);
  EXPECT_EQ(slices[0].summary.size, slices[0].hu.size());
  EXPECT_EQ(slices[0].box, cv::Rect({0, 0}, slices[0].hu.size()));
  EXPECT_TRUE(slices[0].input.empty());
}

TEST(ReadInstanceTest, WhatIsNoSliceSaysWhy) {
  const auto refused = ReadInstance(0, "no DICOM file", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(SkipReasonOf(refused.status()), SkipReason::kNotDicom);
}

TEST(PlanStudyTest, RefusesWhatWouldGetNoAnswer) {
  EXPECT_THAT(PlanStudy({}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no slice can be used")));
  const StudySlice lungless = SliceOf({kWidth, kHeight});
  EXPECT_THAT(PlanStudy({lungless.summary}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("lung")));
}

}  // namespace
}  // namespace m3lung
