#include "server/study_ledger.h"

#include "gmock/gmock.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PreparedSlice Slice(const std::string& uid, double position_mm, const std::string& series = "s") {
  PreparedSlice slice;
  slice.sop_instance_uid = uid;
  slice.series_instance_uid = series;
  slice.position_mm = position_mm;
  return slice;
}

SliceScores Scores(Label label, float feature) {
  SliceScores scores;
  scores.probabilities[static_cast<int>(label)] = 1;
  scores.features = {feature};
  return scores;
}

constexpr ClassProbabilities kMostlyCap = {0.1F, 0.2F, 0.3F, 0.4F};

TEST(StudyLedgerTest, OrdersByPositionWhateverTheOrderSent) {
  StudyLedger ledger;
  const double positions[] = {10, 30, 20, 20};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ledger.Admit(i, Slice("", positions[i]), "").status(), v1::USED);
    ledger.AddScores(i, Scores(Label::kHealthy, static_cast<float>(i)));
  }
  EXPECT_THAT(ledger.HeadToFeet(), ElementsAre(1, 2, 3, 0));
  std::vector<float> features;
  for (const auto* one : ledger.Features()) features.push_back(one->front());
  EXPECT_THAT(features, ElementsAre(1, 2, 3, 0));
}

TEST(StudyLedgerTest, SkipsOtherSeriesAndDuplicatesButNotEmptyUids) {
  StudyLedger ledger;
  EXPECT_EQ(ledger.Admit(0, Slice("a", 1), "a").status(), v1::USED);
  EXPECT_EQ(ledger.Admit(1, Slice("a", 2), "a").reason(), v1::DUPLICATE);
  EXPECT_EQ(ledger.Admit(2, Slice("b", 2, "other"), "b").reason(), v1::OTHER_SERIES);
  EXPECT_EQ(ledger.Admit(3, Slice("", 3), "").status(), v1::USED);
  EXPECT_EQ(ledger.Admit(4, Slice("", 4), "").status(), v1::USED);
  EXPECT_EQ(ledger.used(), 3);
  EXPECT_EQ(ledger.admitted(), 5);
}

TEST(StudyLedgerTest, ReceiptSaysWhichInstanceWasSkippedAndWhy) {
  StudyLedger ledger;
  const v1::InstanceReceipt receipt =
      ledger.Admit(7, SkipError(SkipReason::kNotCt, "modality is MR"), "1.2.3");
  EXPECT_EQ(receipt.instance(), 7);
  EXPECT_EQ(receipt.sop_instance_uid(), "1.2.3");
  EXPECT_EQ(receipt.status(), v1::SKIPPED);
  EXPECT_EQ(receipt.reason(), v1::NOT_CT);
  EXPECT_EQ(receipt.detail(), "modality is MR");
}

TEST(StudyLedgerTest, SumsUpTheStudy) {
  StudyLedger ledger;
  ledger.Admit(0, Slice("a", 1), "a");
  ledger.Admit(1, Slice("b", 2), "b");
  ledger.Admit(2, Slice("c", 3), "c");
  ledger.AddScores(0, Scores(Label::kHealthy, 0));
  ledger.AddScores(1, Scores(Label::kH1n1, 1));
  ledger.AddScores(2, Scores(Label::kHealthy, 2));
  const v1::PatientResult patient = ledger.MakePatientResult(kMostlyCap, 0.99F, 3);
  EXPECT_EQ(patient.verdict(), v1::OK);
  EXPECT_THAT(patient.reasons(), IsEmpty());
  EXPECT_EQ(patient.label(), v1::CAP);
  EXPECT_THAT(patient.probabilities(), ElementsAre(0.1F, 0.2F, 0.3F, 0.4F));
  EXPECT_EQ(patient.non_parametric().label(), v1::H1N1);
  EXPECT_THAT(patient.non_parametric().healthy_share(), FloatEq(2.0F / 3));
  EXPECT_THAT(patient.slices_by_label(), ElementsAre(2, 0, 1, 0));
  EXPECT_THAT(patient.instances_head_to_feet(), ElementsAre(2, 1, 0));
  EXPECT_EQ(patient.series_instance_uid(), "s");
}

TEST(StudyLedgerTest, IsDegradedWhenInstancesAreMissing) {
  StudyLedger ledger;
  ledger.Admit(0, Slice("a", 1), "a");
  ledger.AddScores(0, Scores(Label::kHealthy, 0));
  const v1::PatientResult patient = ledger.MakePatientResult(kMostlyCap, 0.99F, 2);
  EXPECT_EQ(patient.verdict(), v1::DEGRADED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::FEWER_INSTANCES_THAN_EXPECTED));
  EXPECT_THAT(patient.detail(), HasSubstr("announced 2 instances, and 1 came"));
  EXPECT_EQ(ledger.MakePatientResult(kMostlyCap, 0.99F, 0).verdict(), v1::OK);
}

TEST(StudyLedgerTest, IsDegradedByADamagedSliceAndNotByADoseReport) {
  StudyLedger ledger;
  ledger.Admit(0, Slice("a", 1), "a");
  ledger.AddScores(0, Scores(Label::kHealthy, 0));
  ledger.Admit(1, SkipError(SkipReason::kNotCt, "a dose report"), "");
  EXPECT_EQ(ledger.MakePatientResult(kMostlyCap, 0.99F, 0).verdict(), v1::OK);
  ledger.Admit(2, SkipError(SkipReason::kMalformed, "cut short"), "");
  const v1::PatientResult patient = ledger.MakePatientResult(kMostlyCap, 0.99F, 0);
  EXPECT_EQ(patient.verdict(), v1::DEGRADED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::INSTANCES_SKIPPED));
  EXPECT_EQ(patient.instances_skipped(), 2);
}

TEST(StudyLedgerTest, IsRejectedWithoutALabelWhenNothingCouldBeUsed) {
  StudyLedger ledger;
  ledger.Admit(0, SkipError(SkipReason::kNotDicom, "text"), "");
  const v1::PatientResult patient = ledger.MakePatientResult(kMostlyCap, 0.99F, 0);
  EXPECT_EQ(patient.verdict(), v1::REJECTED);
  EXPECT_THAT(patient.reasons(), ElementsAre(v1::NO_USABLE_INSTANCE));
  EXPECT_EQ(patient.label(), v1::LABEL_UNSPECIFIED);
  EXPECT_THAT(patient.probabilities(), IsEmpty());
}

}  // namespace
}  // namespace m3lung
