// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/series.h"

#include <cmath>

#include "gmock/gmock.h"
#include "tests/preprocess/study/slices.h"

namespace m3lung {
namespace {

using ::m3lung::testing::BodySlice;
using ::m3lung::testing::StudyBuilder;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<SkipReason> LeftOutReasons(const Series& series) {
  std::vector<SkipReason> reasons;
  for (const LeftOut& left_out : series.left_out) reasons.push_back(left_out.reason);
  return reasons;
}

TEST(GroupIntoSeriesTest, OrdersByPositionWhateverTheOrderSent) {
  StudyBuilder study;
  for (const double z : {10.0, 30.0, -5.0, 20.0}) study.Add(BodySlice(z));
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].head_to_feet, ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(all[0].left_out, IsEmpty());
}

TEST(GroupIntoSeriesTest, PartsByUidSizeSpacingAndOrientation) {
  StudyBuilder study;
  study.Add(BodySlice(0)).Add(BodySlice(1));
  study.header.series_instance_uid = "9.9";
  study.Add(BodySlice(2));
  study.header.series_instance_uid = "1.2";
  HuSlice cropped = BodySlice(3), fine = BodySlice(4), turned = BodySlice(5);
  cropped.hu = cropped.hu.rowRange(0, 60).clone();
  fine.geometry.row_spacing_mm = 4;
  turned.geometry.row_direction = {0, 1, 0};
  turned.geometry.column_direction = {1, 0, 0};
  study.Add(cropped).Add(fine).Add(turned).Add(BodySlice(6));
  std::vector<std::vector<int>> groups;
  for (const Series& series : GroupIntoSeries(study.slices()))
    groups.push_back(series.head_to_feet);
  EXPECT_THAT(groups, ElementsAre(ElementsAre(6, 1, 0), ElementsAre(2), ElementsAre(3),
                                  ElementsAre(4), ElementsAre(5)));
}

// The lungs are sought on one grid for all slices of a series.
TEST(GroupIntoSeriesTest, SlicesOfDifferentGridsAreNotOneSeries) {
  double spacing = 2;
  const auto factor = [](double mm) { return GridFor(cv::Size(64, 64), mm, mm).row_factor; };
  while (factor(spacing) == factor(spacing - 0.0001)) spacing -= 0.0001;
  StudyBuilder study;
  for (const double mm : {spacing, spacing - 0.0001}) {
    HuSlice slice = BodySlice(mm * 1000);
    slice.geometry.row_spacing_mm = slice.geometry.column_spacing_mm = mm;
    study.Add(slice);
  }
  ASSERT_NE(study.slices()[0].coarse.size(), study.slices()[1].coarse.size());
  EXPECT_THAT(GroupIntoSeries(study.slices()), SizeIs(2));
}

TEST(GroupIntoSeriesTest, TheSamePixelsAreADuplicateWhateverTheirUid) {
  StudyBuilder study;
  study.Add(BodySlice(0)).Add(BodySlice(5)).Add(BodySlice(0));
  HuSlice moved = BodySlice(5);
  moved.geometry.position[2] = 80;
  study.Add(moved);
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  EXPECT_THAT(all[0].head_to_feet, ElementsAre(1, 0));
  EXPECT_THAT(LeftOutReasons(all[0]), ElementsAre(SkipReason::kDuplicate, SkipReason::kDuplicate));
}

TEST(GroupIntoSeriesTest, TheSameUidAtTheSamePlaceIsADuplicate) {
  StudyBuilder study;
  study.header.sop_instance_uid = "1.2.3";
  study.Add(BodySlice(0)).Add(BodySlice(0, true, /*texture=*/1));
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  ASSERT_THAT(LeftOutReasons(all[0]), ElementsAre(SkipReason::kDuplicate));
  EXPECT_THAT(all[0].left_out[0].detail, HasSubstr("SOP instance uid"));
}

// Seen in the field: one uid, or none, in every slice of a study.
TEST(GroupIntoSeriesTest, SlicesThatShareAUidOrHaveNoneAreAllUsed) {
  for (const char* uid : {"1.2.3", ""}) {
    StudyBuilder study;
    study.unique_uids = false;
    study.header.sop_instance_uid = uid;
    study.AddChest(10, 5);
    EXPECT_THAT(GroupIntoSeries(study.slices())[0].head_to_feet, SizeIs(10)) << uid;
    EXPECT_EQ(ShareUidWrongly(study.slices()[0], study.slices()[1]), uid[0] != '\0');
  }
}

TEST(GroupIntoSeriesTest, BlankSlicesAtDifferentPlacesAreNoDuplicates) {
  StudyBuilder study;
  HuSlice blank = BodySlice(0);
  blank.hu.setTo(-1000);
  study.Add(blank);
  blank.geometry.position[2] = 5;
  study.Add(blank).Add(blank);
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  EXPECT_THAT(all[0].head_to_feet, ElementsAre(1, 0));
  EXPECT_THAT(LeftOutReasons(all[0]), ElementsAre(SkipReason::kDuplicate));
}

TEST(GroupIntoSeriesTest, AnotherImageAtTheSamePlaceDoublesThePosition) {
  StudyBuilder study;
  study.AddChest(10, 5).Add(BodySlice(95, true, /*texture=*/1));
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(LeftOutReasons(all[0]), ElementsAre(SkipReason::kDoubledPosition));
  EXPECT_EQ(GeometryOf(all[0], study.slices()).doubled_positions, 1);
}

TEST(GroupIntoSeriesTest, AcquisitionsThatRepeatEachOtherArePartedBy) {
  StudyBuilder study;
  study.header.acquisition_number = 3;
  study.AddChest(10, 5);
  study.header.acquisition_number = 4;
  study.AddChest(10, 5, 100, /*texture=*/1);
  const std::vector<Series> all = GroupIntoSeries(study.slices());
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(all[0].acquisition_number, ::testing::Optional(3));
  EXPECT_THAT(all[1].acquisition_number, ::testing::Optional(4));
  EXPECT_THAT(all[0].head_to_feet, SizeIs(10));
  EXPECT_THAT(all[1].head_to_feet, SizeIs(10));
}

// Step and shoot gives each slice a number of its own; two helical acquisitions
// may follow one another with a little overlap.
TEST(GroupIntoSeriesTest, AcquisitionsThatFollowOneAnotherAreOneVolume) {
  StudyBuilder steps;
  for (int i = 0; i < 10; ++i) {
    steps.header.acquisition_number = i;
    steps.Add(BodySlice(i * 5));
  }
  EXPECT_THAT(GroupIntoSeries(steps.slices()), SizeIs(1));

  StudyBuilder two;
  two.header.acquisition_number = 1;
  two.AddChest(10, 5, 100);
  two.header.acquisition_number = 2;
  two.AddChest(10, 5, 55, /*texture=*/1);  // the first of them lies where the last lay
  const std::vector<Series> all = GroupIntoSeries(two.slices());
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].head_to_feet, SizeIs(19));
  EXPECT_THAT(LeftOutReasons(all[0]), ElementsAre(SkipReason::kOtherAcquisition));
}

TEST(GeometryOfTest, CountsGapsFromTheMedianSpacing) {
  StudyBuilder study;
  for (const double z : {0, 2, 4, 6, 12, 14, 16, 20}) study.Add(BodySlice(z));
  const SeriesGeometry geometry = GeometryOf(GroupIntoSeries(study.slices())[0], study.slices());
  EXPECT_EQ(geometry.median_spacing_mm, 2);
  EXPECT_EQ(geometry.extent_mm, 20);
  EXPECT_EQ(geometry.gaps, 2);
  EXPECT_EQ(geometry.missing_slices, 3);  // at 8, 10 and 18
  EXPECT_EQ(geometry.widest_gap_mm, 6);
}

TEST(GeometryOfTest, MeasuresTheTiltOfTheGantry) {
  StudyBuilder study;
  for (int i = 0; i < 5; ++i) {
    HuSlice slice = BodySlice(i * 5);
    const double tilt = 12 * M_PI / 180;
    slice.geometry.column_direction = {0, std::cos(tilt), std::sin(tilt)};
    study.Add(slice);
  }
  const SeriesGeometry geometry = GeometryOf(GroupIntoSeries(study.slices())[0], study.slices());
  EXPECT_THAT(geometry.gantry_tilt_degrees, DoubleNear(12, 1e-6));
  EXPECT_THAT(geometry.median_spacing_mm, DoubleNear(5 * std::cos(12 * M_PI / 180), 1e-6));
}

TEST(GeometryOfTest, OneSliceHasNoSpacing) {
  StudyBuilder study;
  study.Add(BodySlice(7));
  const SeriesGeometry geometry = GeometryOf(GroupIntoSeries(study.slices())[0], study.slices());
  EXPECT_EQ(geometry.median_spacing_mm, 0);
  EXPECT_EQ(geometry.gaps, 0);
}

}  // namespace
}  // namespace m3lung
