// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/str_split.h"
#include "client/answer_json.h"
#include "client/answer_table.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/testing/status_matchers.h"
#include "volume_answer.h"

namespace m3lung::client {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(AnswerToJsonTest, WritesCamelCaseWithZerosAndFalses) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string text, AnswerToJson(FakeAnswer(4)));
  const nlohmann::json json = nlohmann::json::parse(text);

  ASSERT_EQ(json["slices"].size(), 4U);
  const nlohmann::json& first = json["slices"][0];
  EXPECT_EQ(first["sopInstanceUid"], "1.2.3");
  EXPECT_EQ(first["index"], 0);
  EXPECT_EQ(first["positionMm"], 15.0);
  EXPECT_EQ(first["label"], "HEALTHY");
  EXPECT_EQ(first["lesionProbability"], 0.0);
  EXPECT_EQ(first["probabilities"][3], 0.0);
  EXPECT_EQ(first["lungBox"]["method"], "paper");
  EXPECT_EQ(first["lesionMap"]["columns"], 4);
  EXPECT_EQ(first["lesionMap"]["values"][5], 1.0);
  EXPECT_FALSE(first.contains("affectedLungShare"));
  EXPECT_EQ(json["patient"]["nonParametric"]["label"], "COVID_19");
  EXPECT_EQ(json["patient"]["instancesSkipped"], 0);
  EXPECT_EQ(json["receipts"][0]["instance"], 0);
  EXPECT_EQ(json["receipts"][0]["status"], "USED");

  v1::StudyAnswer unscored;
  unscored.add_slices();
  M3L_ASSERT_OK_AND_ASSIGN(const std::string bare, AnswerToJson(unscored));
  EXPECT_EQ(nlohmann::json::parse(bare)["slices"][0]["scored"], false);
}

TEST(FormatAnswerTest, ShowsTheResultAndWhatWasSkipped) {
  v1::StudyAnswer answer = FakeAnswer(4);
  for (const auto reason : {v1::LOCALIZER, v1::NOT_DICOM, v1::NOT_DICOM}) {
    v1::InstanceReceipt& receipt = *answer.add_receipts();
    receipt.set_status(v1::SKIPPED);
    receipt.set_reason(reason);
  }
  answer.mutable_patient()->set_verdict(v1::DEGRADED);
  answer.mutable_patient()->add_reasons(v1::INSTANCES_SKIPPED);

  const std::string table = FormatAnswer(answer);
  EXPECT_THAT(table, ContainsRegex("Verdict +DEGRADED \\(INSTANCES_SKIPPED\\)"));
  EXPECT_THAT(table, ContainsRegex("Label +COVID-19"));
  EXPECT_THAT(table, ContainsRegex("0: Healthy +0\\.125"));
  EXPECT_THAT(table, ContainsRegex("1: COVID-19 +0\\.750"));
  EXPECT_THAT(table, ContainsRegex("By counting +COVID-19 \\(50\\.0 %"));
  EXPECT_THAT(table, ContainsRegex("Slices by label +Healthy 2, COVID-19 2, H1N1 0, CAP 0"));
  EXPECT_THAT(table, HasSubstr("2 x NOT_DICOM"));
  EXPECT_THAT(table, HasSubstr("1 x LOCALIZER"));
  EXPECT_THAT(table, HasSubstr("Weights are <random> & mean nothing."));
  EXPECT_THAT(table, ContainsRegex("Time +1\\.5 s in all"));
}

// Words broken over lines are joined again, so that only the text is compared.
std::string Joined(const std::string& table) {
  std::string joined;
  for (const char c : table) {
    const char next = c == '\n' ? ' ' : c;
    if (next != ' ' || joined.empty() || joined.back() != ' ') joined += next;
  }
  return joined;
}

TEST(FormatAnswerTest, SaysHowAnOddStudyWasRead) {
  const std::string table = Joined(FormatAnswer(VolumeAnswer()));
  EXPECT_THAT(table, HasSubstr("Verdict DEGRADED (SLICES_MISSING, POSITIONS_DOUBLED) "));
  EXPECT_THAT(table,
              HasSubstr("Because 2 slices are missing between others; send the whole series "));
  EXPECT_THAT(table, HasSubstr("Affected lung whole 12.3 %, left 8.1 %, right 16.0 %; upper third "
                               "2.0 %, middle third 10.4 %, lower third 24.9 % (an estimate)"));
  EXPECT_THAT(table, HasSubstr("Slices 30 used, from 11 of 17 instances received (6 skipped)"));
  EXPECT_THAT(table,
              HasSubstr("No lung on 8 slices (0 to 3, 12, 27 to 29), which were not scored"));
  EXPECT_THAT(table, HasSubstr("Series chosen 30 slices, 5.00 mm apart over 155.0 mm, acquisition "
                               "2: 2.25.1 the most slices of a lung kernel "
                               "Other series 3 slices, 10.00 mm apart over 20.0 mm: (without a "
                               "series uid) fewer slices than the chosen series "));
  EXPECT_THAT(table, HasSubstr("1 gap with 2 slices missing 1 slice left out at doubled "
                               "positions gantry tilt 12.5 degrees lung on 22 slices"));
  EXPECT_THAT(table, HasSubstr("Skipped 3 x OTHER_SERIES, such as instance 12: of another series "
                               "than the one chosen, at 10 mm 2 x NOT_DICOM: the bytes are no"));
  EXPECT_THAT(table, HasSubstr("Warnings the patient is under 16; the networks were made for "
                               "adults 11 instances: SOPInstanceUID is empty "));
}

TEST(FormatAnswerTest, SaysThatNoLabelIsGiven) {
  const std::string table = FormatAnswer(AbstainedAnswer());
  EXPECT_THAT(table, ContainsRegex("Verdict +ABSTAINED \\(TOO_FEW_LUNG_SLICES\\)\n"));
  EXPECT_THAT(table, ContainsRegex("Label +no label is given\n"));
  EXPECT_THAT(table, Not(HasSubstr("Probabilities")));
  EXPECT_THAT(table, Not(HasSubstr("By counting")));
}

TEST(FormatAnswerTest, ShowsAWarningOnceAndNoMoreThanADozen) {
  v1::StudyAnswer answer = FakeAnswer(1);
  for (int i = 0; i < 15; ++i)
    answer.mutable_patient()->add_warnings("oddity " + std::to_string(i));
  const std::string table = FormatAnswer(answer);
  EXPECT_THAT(table, HasSubstr("oddity 11\n"));
  EXPECT_THAT(table, Not(HasSubstr("oddity 12")));
  EXPECT_THAT(table, HasSubstr("and 3 other warnings"));
}

TEST(FormatAnswerTest, ShowsSixSeriesAndCountsTheRest) {
  v1::StudyAnswer answer = FakeAnswer(1);
  for (int i = 0; i < 8; ++i) {
    answer.mutable_patient()->add_series()->set_series_instance_uid("2.25." + std::to_string(i));
  }
  const std::string table = FormatAnswer(answer);
  EXPECT_THAT(table, HasSubstr("2.25.5\n"));
  EXPECT_THAT(table, Not(HasSubstr("2.25.6")));
  EXPECT_THAT(table, HasSubstr("and 2 more: --json"));
}

TEST(FormatAnswerTest, FitsInEightyColumns) {
  v1::StudyAnswer answer = VolumeAnswer();
  // As long as a uid may be.
  answer.mutable_patient()->mutable_series(0)->set_series_instance_uid(std::string(64, '1'));
  const std::string table = FormatAnswer(answer);
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    EXPECT_LE(line.size(), 80U) << line;
    EXPECT_EQ(line.find_last_not_of(' '), line.empty() ? line.npos : line.size() - 1) << line;
  }
}

TEST(FormatAnswerTest, LetsNoControlCharactersReachTheTerminal) {
  v1::StudyAnswer answer = FakeAnswer(1);
  answer.mutable_patient()->mutable_model()->set_notice("red \x1b[31m alert");
  EXPECT_THAT(FormatAnswer(answer), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace m3lung::client
