// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/study_assembler.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "opencv2/core.hpp"
#include "tests/preprocess/study/slices.h"

namespace m3lung {
namespace {

using ::m3lung::testing::BodySlice;
using ::m3lung::testing::StudyBuilder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<StudyReason> ReasonsOf(const AssembledStudy& study) {
  std::vector<StudyReason> reasons;
  for (const Finding& finding : study.findings) reasons.push_back(finding.reason);
  return reasons;
}

int UsedCount(const AssembledStudy& study) {
  return static_cast<int>(std::count_if(study.decisions.begin(), study.decisions.end(),
                                        [](const SliceDecision& one) { return one.used; }));
}

AssembledStudy Assemble(const StudyBuilder& study) { return AssembleStudy(study.slices()); }

// Changes every slice before it is summarised.
template <typename Change>
StudyBuilder ChangedChest(const Change& change) {
  StudyBuilder study;
  for (int i = 0; i < 30; ++i) {
    HuSlice slice = BodySlice(100 - 5 * i, i >= 3 && i < 27);
    change(slice);
    study.Add(slice);
  }
  return study;
}

TEST(AssembleStudyTest, AWholeChestPassesEveryGate) {
  StudyBuilder study;
  study.AddChest(30, 5);
  const AssembledStudy assembled = Assemble(study);
  EXPECT_THAT(ReasonsOf(assembled), IsEmpty());
  EXPECT_THAT(assembled.warnings, IsEmpty());
  EXPECT_EQ(UsedCount(assembled), 30);
  ASSERT_NE(assembled.chosen(), nullptr);
  EXPECT_NEAR(assembled.chosen()->lungs.slices_with_lung, 24, 2);
}

TEST(AssembleStudyTest, NoSlicesAreNoStudy) {
  const AssembledStudy assembled = AssembleStudy({});
  EXPECT_EQ(assembled.chosen(), nullptr);
  EXPECT_THAT(assembled.decisions, IsEmpty());
}

TEST(AssembleStudyTest, PixelsThatAreNotHounsfieldUnitsAreRejected) {
  // As they come without the rescale's intercept, as a picture of 8 bits, with the
  // intercept twice, and inverted.
  const std::vector<void (*)(cv::Mat&)> mistakes = {
      [](cv::Mat& hu) { hu.convertTo(hu, CV_16S, 1, 1024); },
      [](cv::Mat& hu) { hu.convertTo(hu, CV_16S, 255.0 / 1500, 255.0 * 1000 / 1500); },
      [](cv::Mat& hu) { hu.convertTo(hu, CV_16S, 1, -1024); },
      [](cv::Mat& hu) { hu.convertTo(hu, CV_16S, -1, 0); },
  };
  for (size_t i = 0; i < mistakes.size(); ++i) {
    SCOPED_TRACE(i);
    const AssembledStudy assembled =
        Assemble(ChangedChest([&](HuSlice& slice) { mistakes[i](slice.hu); }));
    EXPECT_THAT(ReasonsOf(assembled), ElementsAre(StudyReason::kNotHounsfield));
    EXPECT_EQ(WorstVerdict(assembled.findings), Verdict::kRejected);
    EXPECT_THAT(assembled.findings[0].detail, HasSubstr("rescale slope"));
  }
}

// Padding has become -1000 HU, which must not stand in for measured air.
TEST(AssembleStudyTest, PaddingIsNotTakenForAir) {
  const AssembledStudy assembled = Assemble(ChangedChest([](HuSlice& slice) {
    slice.hu.convertTo(slice.hu, CV_16S, 1, 1024);
    slice.hu.rowRange(0, 20).setTo(kAirHu);
  }));
  EXPECT_THAT(ReasonsOf(assembled), ElementsAre(StudyReason::kNotHounsfield));
}

TEST(AssembleStudyTest, ABodyWithoutLungsIsRejected) {
  StudyBuilder study;
  for (int i = 0; i < 30; ++i) study.Add(BodySlice(100 - 5 * i, /*lung=*/false));
  const AssembledStudy assembled = Assemble(study);
  EXPECT_THAT(ReasonsOf(assembled), Contains(StudyReason::kNoLungsFound));
  EXPECT_EQ(WorstVerdict(assembled.findings), Verdict::kRejected);
}

TEST(AssembleStudyTest, AFewSlicesAreNoGroundForAStatement) {
  StudyBuilder study;
  for (int i = 0; i < 4; ++i) study.Add(BodySlice(100 - 5 * i));
  const AssembledStudy assembled = Assemble(study);
  EXPECT_THAT(ReasonsOf(assembled), Contains(StudyReason::kTooFewLungSlices));
  EXPECT_EQ(WorstVerdict(assembled.findings), Verdict::kAbstained);
}

TEST(AssembleStudyTest, SlicesThatEndWithinTheLungsAreFlagged) {
  StudyBuilder study;
  for (int i = 0; i < 27; ++i) study.Add(BodySlice(100 - 5 * i, i >= 3));
  const AssembledStudy assembled = Assemble(study);
  EXPECT_THAT(ReasonsOf(assembled), ElementsAre(StudyReason::kLungsNotCovered));
  EXPECT_EQ(WorstVerdict(assembled.findings), Verdict::kDegraded);
  EXPECT_THAT(assembled.findings[0].detail, HasSubstr("end within the lungs"));
}

TEST(AssembleStudyTest, GapsDegradeAndManyForbidAnAnswer) {
  StudyBuilder one_missing, many_missing;
  for (int i = 0; i < 40; ++i) {
    const HuSlice slice = BodySlice(100 - 4 * i, i >= 4 && i < 36);
    if (i != 20) one_missing.Add(slice);
    if (i < 15 || i >= 25) many_missing.Add(slice);
  }
  const AssembledStudy one = Assemble(one_missing), many = Assemble(many_missing);
  EXPECT_THAT(ReasonsOf(one), ElementsAre(StudyReason::kSlicesMissing));
  EXPECT_EQ(WorstVerdict(one.findings), Verdict::kDegraded);
  EXPECT_THAT(one.findings[0].detail, HasSubstr("about 1 slices are missing in 1 gap"));
  EXPECT_THAT(ReasonsOf(many), ElementsAre(StudyReason::kSlicesMissing));
  EXPECT_EQ(WorstVerdict(many.findings), Verdict::kAbstained);
}

TEST(AssembleStudyTest, WideSpacingIsFlagged) {
  StudyBuilder study;
  study.AddChest(20, 15, 150);
  EXPECT_THAT(ReasonsOf(Assemble(study)), Contains(StudyReason::kSpacingTooWide));
}

TEST(AssembleStudyTest, TheSeriesWithLungsIsChosenWhateverComesFirst) {
  StudyBuilder study;
  study.header.series_instance_uid = "abdomen";
  for (int i = 0; i < 60; ++i) study.Add(BodySlice(100 - 5 * i, /*lung=*/false));
  study.header.series_instance_uid = "chest";
  study.AddChest(30, 5);
  const AssembledStudy assembled = Assemble(study);
  ASSERT_THAT(assembled.series, SizeIs(2));
  EXPECT_EQ(assembled.chosen()->series.uid, "chest");
  EXPECT_THAT(assembled.chosen()->detail, HasSubstr("chosen: 30 slices 5 mm apart"));
  EXPECT_THAT(assembled.series[1].detail, HasSubstr("no lungs found"));
  EXPECT_EQ(UsedCount(assembled), 30);
  EXPECT_FALSE(assembled.decisions[0].used);
  EXPECT_EQ(assembled.decisions[0].reason, SkipReason::kOtherSeries);
}

TEST(AssembleStudyTest, OriginalsBeforeDerivedImagesThenThinnerSlices) {
  StudyBuilder study;
  study.header.series_instance_uid = "mip";
  study.header.image_type = {"DERIVED", "SECONDARY", "MIP"};
  study.AddChest(60, 2.5);
  study.header.series_instance_uid = "thick";
  study.header.image_type = {"ORIGINAL", "PRIMARY"};
  study.AddChest(19, 8);
  study.header.series_instance_uid = "thin";
  study.AddChest(60, 2.5);
  study.header.series_instance_uid = "derived";
  study.header.image_type = {"DERIVED", "PRIMARY"};
  study.AddChest(60, 2.5);
  std::vector<std::string> order;
  for (const ExaminedSeries& one : Assemble(study).series) order.push_back(one.series.uid);
  EXPECT_THAT(order, ElementsAre("thin", "thick", "derived", "mip"));
}

TEST(AssembleStudyTest, ThousandsOfSeriesCostLittleAndHideNothing) {
  StudyBuilder study;
  for (int i = 0; i < 2000; ++i) {
    study.header.series_instance_uid = std::to_string(i);
    study.Add(BodySlice(i));
  }
  study.header.series_instance_uid = "chest";
  study.AddChest(30, 5);
  const AssembledStudy assembled = Assemble(study);
  ASSERT_THAT(assembled.series, SizeIs(2001));
  EXPECT_EQ(assembled.chosen()->series.uid, "chest");
  EXPECT_THAT(assembled.series[1000].detail, HasSubstr("was not searched"));
}

TEST(AssembleStudyTest, AnotherAcquisitionIsSkippedAsSuch) {
  StudyBuilder study;
  study.header.acquisition_number = 1;
  study.AddChest(30, 5);
  study.header.acquisition_number = 2;
  study.AddChest(28, 5, 100, /*texture=*/1);
  const AssembledStudy assembled = Assemble(study);
  EXPECT_EQ(UsedCount(assembled), 30);
  EXPECT_EQ(assembled.decisions[40].reason, SkipReason::kOtherAcquisition);
  EXPECT_THAT(assembled.decisions[40].detail, HasSubstr("another acquisition"));
}

TEST(AssembleStudyTest, PinnedSlicesStayTheStudyAndABetterSeriesIsAFinding) {
  StudyBuilder study;
  study.header.series_instance_uid = "abdomen";
  for (int i = 0; i < 10; ++i) study.Add(BodySlice(100 - 5 * i, /*lung=*/false));
  study.header.series_instance_uid = "chest";
  study.AddChest(30, 5);
  std::vector<int> pinned(10);
  for (int i = 0; i < 10; ++i) pinned[i] = i;
  const AssembledStudy assembled = AssembleStudy(study.slices(), pinned);
  EXPECT_EQ(assembled.chosen()->series.uid, "abdomen");
  EXPECT_THAT(ReasonsOf(assembled), Contains(StudyReason::kBetterSeriesSkipped));
  EXPECT_EQ(UsedCount(assembled), 10);

  std::vector<int> chest(30);
  for (int i = 0; i < 30; ++i) chest[i] = 10 + i;
  EXPECT_THAT(ReasonsOf(AssembleStudy(study.slices(), chest)), IsEmpty());
}

TEST(AssembleStudyTest, WarnsOfWhatIsUnusualAndHarmless) {
  StudyBuilder study;
  study.header.patient_position = "FFP";
  study.header.patient_age_years = 9;
  study.header.sop_instance_uid = "1.2.3";
  for (int i = 0; i < 30; ++i) {
    HuSlice slice = BodySlice(100 - 5 * i, i >= 3 && i < 27);
    // The same patient, stored upside down and mirrored.
    slice.geometry.row_direction = {-1, 0, 0};
    slice.geometry.column_direction = {0, -1, 0};
    study.Add(slice);
  }
  const AssembledStudy assembled = Assemble(study);
  EXPECT_THAT(assembled.warnings, ElementsAre(HasSubstr("turned or mirrored"),
                                              HasSubstr("feet first"), HasSubstr("under 16")));
  EXPECT_THAT(ReasonsOf(assembled), IsEmpty());
  EXPECT_THAT(assembled.decisions[5].warnings, ElementsAre(HasSubstr("same SOP instance uid")));
}

// The order of the pixels in memory is the only difference.
TEST(AssembleStudyTest, AnyOrientationGivesTheSameLungs) {
  StudyBuilder usual;
  usual.AddChest(30, 5);
  const LungVolume expected = Assemble(usual).chosen()->lungs;
  const SliceGeometry stored[] = {
      {.row_direction = {-1, 0, 0}, .column_direction = {0, -1, 0}},
      {.row_direction = {0, 1, 0}, .column_direction = {1, 0, 0}},
      {.row_direction = {0, -1, 0}, .column_direction = {1, 0, 0}},
      {.row_direction = {-1, 0, 0}, .column_direction = {0, 1, 0}},
  };
  for (const SliceGeometry& directions : stored) {
    StudyBuilder turned;
    for (int i = 0; i < 30; ++i) {
      HuSlice slice = BodySlice(100 - 5 * i, i >= 3 && i < 27);
      slice.geometry.row_direction = directions.row_direction;
      slice.geometry.column_direction = directions.column_direction;
      slice.hu = FromCommonOrientation(slice.hu, OrientationOf(slice.geometry)).clone();
      turned.Add(slice);
    }
    const LungVolume lungs = Assemble(turned).chosen()->lungs;
    EXPECT_EQ(lungs.box, expected.box);
    EXPECT_EQ(lungs.volume_ml, expected.volume_ml);
    ASSERT_EQ(lungs.masks.size(), expected.masks.size());
    EXPECT_EQ(cv::norm(lungs.masks[15], expected.masks[15], cv::NORM_INF), 0);
  }
}

}  // namespace
}  // namespace m3lung
