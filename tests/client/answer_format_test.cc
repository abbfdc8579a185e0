#include "client/answer_json.h"
#include "client/answer_table.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/testing/status_matchers.h"

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

TEST(FormatAnswerTest, LetsNoControlCharactersReachTheTerminal) {
  v1::StudyAnswer answer = FakeAnswer(1);
  answer.mutable_patient()->mutable_model()->set_notice("red \x1b[31m alert");
  EXPECT_THAT(FormatAnswer(answer), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace m3lung::client
