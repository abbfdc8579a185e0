// SPDX-License-Identifier: Apache-2.0
#include "client/answer_summary.h"

#include "client/study_words.h"
#include "gmock/gmock.h"
#include "volume_answer.h"

namespace m3lung::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupSkippedTest, CountsByReasonWithTheLargestGroupFirst) {
  const std::vector<SkippedGroup> groups = GroupSkipped(VolumeAnswer());
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].reason, v1::OTHER_SERIES);
  EXPECT_EQ(groups[0].count, 3);
  EXPECT_EQ(groups[0].example, 12);
  EXPECT_EQ(groups[0].detail, "of another series than the one chosen, at 10 mm");
  EXPECT_TRUE(groups[0].details_differ);
  EXPECT_EQ(groups[1].reason, v1::NOT_DICOM);
  EXPECT_EQ(groups[1].count, 2);
  EXPECT_FALSE(groups[1].details_differ);
  EXPECT_EQ(groups[2].reason, v1::LOCALIZER);
}

TEST(CollectWarningsTest, CountsAnInstanceOnceHoweverOftenItIsWarnedOf) {
  v1::StudyAnswer answer = VolumeAnswer();
  answer.mutable_slices(14)->add_warnings("of one frame");
  const std::vector<CollectedWarning> warnings = CollectWarnings(answer);
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_EQ(warnings[0].text, "the patient is under 16; the networks were made for adults");
  EXPECT_EQ(warnings[0].instances, 0);
  // 10 single images and one of 20 frames, in receipts and in results.
  EXPECT_EQ(warnings[1].text, "SOPInstanceUID is empty");
  EXPECT_EQ(warnings[1].instances, 11);
  EXPECT_EQ(warnings[2].text, "of one frame");
  EXPECT_EQ(warnings[2].instances, 1);
}

TEST(UnscoredRunsTest, JoinsNeighbours) {
  const std::vector<SliceRun> runs = UnscoredRuns(VolumeAnswer());
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(RunsText(runs), "0 to 3, 12, 27 to 29");
  EXPECT_THAT(UnscoredRuns(FakeAnswer(5)), IsEmpty());
}

TEST(RunsTextTest, CountsTheRunsBeyondSix) {
  std::vector<SliceRun> runs;
  for (int i = 0; i < 6; ++i) runs.push_back({2 * i, 2 * i});
  EXPECT_EQ(RunsText(runs), "0, 2, 4, 6, 8, 10");
  runs.push_back({20, 22});
  EXPECT_EQ(RunsText(runs), "0, 2, 4, 6, 8, 10, and 1 more run");
}

TEST(StudyWordsTest, SaysWhatIsWorthAWordOfTheGeometry) {
  EXPECT_THAT(GeometryStatements(VolumeAnswer().patient().geometry()),
              ElementsAre("5.00 mm between slices, 155.0 mm from the first to the last",
                          "1 gap with 2 slices missing", "1 slice left out at doubled positions",
                          "gantry tilt 12.5 degrees", "lung on 22 slices, 4.21 litres in all"));
  v1::StudyGeometry plain;
  plain.set_median_spacing_mm(1.25);
  plain.set_extent_mm(100);
  EXPECT_THAT(
      GeometryStatements(plain),
      ElementsAre("1.25 mm between slices, 100.0 mm from the first to the last", "no gaps"));
  EXPECT_THAT(GeometryStatements(v1::StudyGeometry()), IsEmpty());
}

TEST(StudyWordsTest, LeavesOutPartsWithoutLung) {
  v1::AffectedLung affected;
  affected.set_whole(0.5F);
  EXPECT_EQ(AffectedLungText(affected), "whole 50.0 %");
  affected.set_right(0.25F);
  affected.set_lower_third(0);
  EXPECT_EQ(AffectedLungText(affected), "whole 50.0 %, right 25.0 %; lower third 0.0 %");
}

TEST(StudyWordsTest, NumbersWhatALaterServerMayName) {
  EXPECT_EQ(NameOf(v1::ABSTAINED), "ABSTAINED");
  EXPECT_EQ(NameOf(static_cast<v1::Verdict>(77)), "verdict 77");
  EXPECT_EQ(NameOf(static_cast<v1::SkipReason>(78)), "reason 78");
  v1::PatientResult patient;
  patient.add_reasons(v1::NO_AXIAL_SERIES);
  patient.add_reasons(static_cast<v1::StudyReason>(79));
  EXPECT_EQ(ReasonNames(patient), "NO_AXIAL_SERIES, reason 79");
}

}  // namespace
}  // namespace m3lung::client
