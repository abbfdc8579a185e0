// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_ledger.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "preprocess/skip_reason.h"
#include "server/study/patient_result.h"
#include "tests/testing/fake_assembler.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeAssembler;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A slice of 4 x 4 pixels, different from every other.
StudySlice Slice(int instance, double position_mm, const std::string& series = "s", int frame = 0) {
  static int16_t distinct = 0;
  HuSlice slice;
  slice.hu = cv::Mat(4, 4, CV_16SC1, cv::Scalar(0));
  slice.hu.at<int16_t>(0, 0) = ++distinct;
  slice.geometry = {.position = {0, 0, position_mm},
                    .row_direction = {1, 0, 0},
                    .column_direction = {0, 1, 0},
                    .row_spacing_mm = 1,
                    .column_spacing_mm = 1};
  slice.frame = frame;
  StudySlice one;
  one.summary = Summarise(instance, {.series_instance_uid = series}, slice);
  one.hu = slice.hu;
  one.box = cv::Rect(0, 0, 4, 4);
  return one;
}

SliceScores Scores(Label label, float feature) {
  SliceScores scores;
  scores.probabilities[static_cast<int>(label)] = 1;
  scores.features = {feature};
  return scores;
}

// Adds an instance of these slices.
void Add(StudyLedger& ledger, std::vector<StudySlice> slices, const std::string& uid = "") {
  ledger.AddDecoded(std::move(slices), uid);
}
void AddOne(StudyLedger& ledger, double position_mm, const std::string& series = "s") {
  Add(ledger, {Slice(ledger.instances(), position_mm, series)});
}

void Assemble(StudyLedger& ledger, const FakeAssembler& assembler = {}) {
  ledger.SetAssembled(assembler(ledger.Summaries(), ledger.pinned()));
}

v1::PatientResult Patient(const StudyLedger& ledger) {
  constexpr ClassProbabilities kMostlyCap = {0.1F, 0.2F, 0.3F, 0.4F};
  return MakePatientResult(ledger, kMostlyCap, 0.99F);
}

TEST(StudyLedgerTest, OrdersByPositionWhateverTheOrderSent) {
  StudyLedger ledger;
  for (const double position : {10, 30, 20, 25}) AddOne(ledger, position);
  Assemble(ledger);
  for (int i = 0; i < 4; ++i) ledger.AddScores(i, Scores(Label::kHealthy, static_cast<float>(i)));
  EXPECT_THAT(ledger.HeadToFeet(), ElementsAre(1, 3, 2, 0));
  std::vector<float> features;
  for (const auto* one : ledger.Features()) features.push_back(one->front());
  EXPECT_THAT(features, ElementsAre(1, 3, 2, 0));
}

TEST(StudyLedgerTest, SlicesHaveTheirPlaceAndTheirLungOnceTheStudyIsAssembled) {
  StudyLedger ledger;
  for (const double position : {10, 30, 20}) AddOne(ledger, position);
  EXPECT_EQ(ledger.IndexOf(0), std::nullopt);
  EXPECT_TRUE(ledger.LungMaskOf(0).empty());
  AssembledStudy study = FakeAssembler{.without_lung = {1}}(ledger.Summaries(), std::nullopt);
  std::erase(study.series.front().series.head_to_feet, 2);
  ledger.SetAssembled(std::move(study));
  EXPECT_THAT(ledger.IndexOf(1), ::testing::Optional(0));
  EXPECT_THAT(ledger.IndexOf(0), ::testing::Optional(1));
  EXPECT_EQ(ledger.IndexOf(2), std::nullopt);  // is not used
  EXPECT_TRUE(ledger.LungMaskOf(1).empty());
  EXPECT_FALSE(ledger.LungMaskOf(0).empty());
}

TEST(StudyLedgerTest, AsTheyComeTheFirstSeriesIsTheStudy) {
  StudyLedger ledger;
  AddOne(ledger, 1);
  EXPECT_THAT(ledger.AdmitAsItCame(), ElementsAre(0));
  AddOne(ledger, 2, "other");
  EXPECT_THAT(ledger.AdmitAsItCame(), IsEmpty());
  AddOne(ledger, 1);
  EXPECT_THAT(ledger.AdmitAsItCame(), IsEmpty());
  std::vector<StudySlice> again;
  again.push_back(ledger.slice(0));
  Add(ledger, std::move(again));
  EXPECT_THAT(ledger.AdmitAsItCame(), IsEmpty());
  AddOne(ledger, 2);
  EXPECT_THAT(ledger.AdmitAsItCame(), ElementsAre(4));
  std::vector<v1::SkipReason> reasons;
  for (int i = 0; i < 5; ++i) reasons.push_back(ledger.ReceiptOf(i).reason());
  EXPECT_THAT(reasons,
              ElementsAre(v1::SKIP_REASON_UNSPECIFIED, v1::OTHER_SERIES, v1::DOUBLED_POSITION,
                          v1::DUPLICATE, v1::SKIP_REASON_UNSPECIFIED));
  EXPECT_EQ(ledger.used(), 2);
  EXPECT_EQ(ledger.instances(), 5);
  EXPECT_EQ(ledger.skipped_instances(), 3);
  EXPECT_THAT(ledger.pinned(), ::testing::Optional(ElementsAre(0, 4)));
}

TEST(StudyLedgerTest, ReceiptSaysWhichInstanceWasSkippedAndWhy) {
  StudyLedger ledger;
  AddOne(ledger, 1);
  ledger.AddSkipped(SkipError(SkipReason::kNotCt, "modality is MR"), "1.2.3");
  const v1::InstanceReceipt receipt = ledger.ReceiptOf(1);
  EXPECT_EQ(receipt.instance(), 1);
  EXPECT_EQ(receipt.sop_instance_uid(), "1.2.3");
  EXPECT_EQ(receipt.status(), v1::SKIPPED);
  EXPECT_EQ(receipt.reason(), v1::NOT_CT);
  EXPECT_EQ(receipt.detail(), "modality is MR");
}

TEST(StudyLedgerTest, AnInstanceOfSeveralFramesHasOneReceipt) {
  StudyLedger ledger;
  std::vector<StudySlice> frames;
  for (int frame = 0; frame < 3; ++frame) {
    frames.push_back(Slice(0, 10 * frame, "s", frame));
    frames.back().warnings = {"HighBit is missing"};
  }
  frames[1].summary.position_mm = 0;  // as the first
  Add(ledger, std::move(frames));
  EXPECT_THAT(ledger.AdmitAsItCame(), ElementsAre(0, 2));
  const v1::InstanceReceipt receipt = ledger.ReceiptOf(0);
  EXPECT_EQ(receipt.status(), v1::USED);
  EXPECT_EQ(receipt.frames_used(), 2);
  EXPECT_THAT(receipt.warnings(),
              ElementsAre("HighBit is missing", HasSubstr("frames are not used")));

  Assemble(ledger);
  const v1::PatientResult patient = Patient(ledger);
  EXPECT_THAT(patient.instances_head_to_feet(), ElementsAre(0, 0));
  EXPECT_THAT(patient.frames_head_to_feet(), ElementsAre(2, 0));
  EXPECT_EQ(patient.instances_received(), 1);
  EXPECT_EQ(patient.slices_used(), 2);
}

TEST(StudyLedgerTest, KeepsNoPixelsOfSlicesThatAreNotUsed) {
  StudyLedger ledger;
  AddOne(ledger, 1);
  AddOne(ledger, 2);
  AssembledStudy study = FakeAssembler()(ledger.Summaries(), std::nullopt);
  study.decisions[1].used = false;
  ledger.SetAssembled(std::move(study));
  EXPECT_EQ(ledger.ReleaseUnusedPixels(), 32);
  EXPECT_EQ(ledger.ReleaseUnusedPixels(), 0);
}

TEST(PatientResultTest, SumsUpTheStudy) {
  StudyLedger ledger;
  ledger.Expect("", 4);
  for (const double position : {1, 2, 3, 4}) AddOne(ledger, position);
  Assemble(ledger, {.without_lung = {3}});
  ledger.AddScores(0, Scores(Label::kHealthy, 0));
  ledger.AddScores(1, Scores(Label::kH1n1, 1));
  ledger.AddScores(2, Scores(Label::kHealthy, 2));
  const v1::PatientResult patient = Patient(ledger);
  EXPECT_EQ(patient.verdict(), v1::OK);
  EXPECT_THAT(patient.reasons(), IsEmpty());
  EXPECT_EQ(patient.label(), v1::CAP);
  EXPECT_THAT(patient.probabilities(), ElementsAre(0.1F, 0.2F, 0.3F, 0.4F));
  EXPECT_EQ(patient.non_parametric().label(), v1::H1N1);
  EXPECT_THAT(patient.non_parametric().healthy_share(), FloatEq(2.0F / 3));
  EXPECT_THAT(patient.slices_by_label(), ElementsAre(2, 0, 1, 0));
  EXPECT_EQ(patient.slices_without_lung(), 1);
  EXPECT_THAT(patient.instances_head_to_feet(), ElementsAre(3, 2, 1, 0));
  EXPECT_EQ(patient.series_instance_uid(), "s");
  ASSERT_EQ(patient.series_size(), 1);
  EXPECT_TRUE(patient.series(0).chosen());
  EXPECT_EQ(patient.series(0).slices(), 4);
}

TEST(PatientResultTest, TellsTheShareOfLungThatIsAffected) {
  StudyLedger ledger;
  AddOne(ledger, 20);
  AddOne(ledger, 10);
  Assemble(ledger);
  SliceScores ill = Scores(Label::kCap, 0);
  ill.lesion_probability = 0.9F;
  ill.map = {.rows = 1, .columns = 2, .values = {1, 0}};
  ledger.AddScores(0, ill);
  ill.lesion_probability = 0.1F;  // without lesions, whatever the map shows
  ledger.AddScores(1, ill);
  EXPECT_THAT(ledger.CountsOf(0).Share(), ::testing::Optional(FloatEq(0.5F)));
  EXPECT_THAT(ledger.CountsOf(1).Share(), ::testing::Optional(FloatEq(0)));
  const v1::AffectedLung affected = Patient(ledger).affected_lung();
  EXPECT_THAT(affected.whole(), FloatEq(0.25F));
  EXPECT_THAT(affected.left(), FloatEq(0.25F));
  EXPECT_FALSE(affected.has_right());
  EXPECT_THAT(affected.upper_third(), FloatEq(0.5F));
  EXPECT_FALSE(affected.has_middle_third());
  EXPECT_THAT(affected.lower_third(), FloatEq(0));
}

TEST(PatientResultTest, IsDegradedWhenMoreOrFewerInstancesCameThanAnnounced) {
  const auto study_of_two = [](int announced) {
    StudyLedger ledger;
    ledger.Expect("", announced);
    AddOne(ledger, 1);
    AddOne(ledger, 2);
    Assemble(ledger);
    ledger.AddScores(0, Scores(Label::kHealthy, 0));
    return Patient(ledger);
  };
  const v1::PatientResult fewer = study_of_two(3);
  EXPECT_EQ(fewer.verdict(), v1::DEGRADED);
  EXPECT_THAT(fewer.reasons(), ElementsAre(v1::FEWER_INSTANCES_THAN_EXPECTED));
  EXPECT_THAT(fewer.detail(), HasSubstr("announced 3 instances, and 2 came"));
  const v1::PatientResult more = study_of_two(1);
  EXPECT_EQ(more.verdict(), v1::DEGRADED);
  EXPECT_THAT(more.reasons(), ElementsAre(v1::MORE_INSTANCES_THAN_EXPECTED));
  EXPECT_EQ(study_of_two(2).verdict(), v1::OK);
  EXPECT_EQ(study_of_two(0).verdict(), v1::OK);  // their number was not announced
}

TEST(PatientResultTest, IsDegradedByADamagedSliceAndNotByADoseReport) {
  for (const auto& [reason, verdict] : {std::pair(SkipReason::kNotAnImage, v1::OK),
                                        std::pair(SkipReason::kMalformed, v1::DEGRADED)}) {
    StudyLedger ledger;
    AddOne(ledger, 1);
    ledger.AddSkipped(SkipError(reason, "cut short"), "");
    Assemble(ledger);
    ledger.AddScores(0, Scores(Label::kHealthy, 0));
    const v1::PatientResult patient = Patient(ledger);
    EXPECT_EQ(patient.verdict(), verdict);
    EXPECT_EQ(patient.instances_skipped(), 1);
  }
}

TEST(PatientResultTest, TheWorstFindingIsTheVerdictAndComesFirst) {
  StudyLedger ledger;
  AddOne(ledger, 1);
  Assemble(ledger, {.findings = {{StudyReason::kSlicesMissing, Verdict::kDegraded, "a gap"},
                                 {StudyReason::kTooFewLungSlices, Verdict::kAbstained, "few"}}});
  ledger.AddScores(0, Scores(Label::kHealthy, 0));
  const v1::PatientResult patient = MakePatientResult(ledger, std::nullopt, 0.99F);
  EXPECT_EQ(patient.verdict(), v1::ABSTAINED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::TOO_FEW_LUNG_SLICES, v1::SLICES_MISSING));
  EXPECT_EQ(patient.detail(), "few; a gap");
  EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_FALSE(patient.has_non_parametric());
  EXPECT_THAT(patient.probabilities(), IsEmpty());
  EXPECT_THAT(patient.slices_by_label(), ElementsAre(1, 0, 0, 0));
}

TEST(PatientResultTest, IsRejectedWithoutALabelWhenNothingCouldBeUsed) {
  for (const auto& [reason, more] : {std::pair(SkipReason::kNotDicom, v1::STUDY_REASON_UNSPECIFIED),
                                     std::pair(SkipReason::kNotAxial, v1::NO_AXIAL_SERIES)}) {
    StudyLedger ledger;
    ledger.AddSkipped(SkipError(reason, "no"), "");
    ledger.AddSkipped(SkipError(SkipReason::kNotAnImage, "no"), "");
    Assemble(ledger);
    const v1::PatientResult patient = Patient(ledger);
    EXPECT_EQ(patient.verdict(), v1::REJECTED);
    EXPECT_EQ(patient.reasons(0), v1::NO_USABLE_INSTANCE);
    EXPECT_EQ(patient.reasons_size() == 2 ? patient.reasons(1) : v1::STUDY_REASON_UNSPECIFIED,
              more);
    EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
    EXPECT_THAT(patient.probabilities(), IsEmpty());
  }
}

}  // namespace
}  // namespace m3lung
