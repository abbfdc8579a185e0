// SPDX-License-Identifier: Apache-2.0
// Runs build/bin/m3lung as a person does.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "volume_answer.h"

namespace m3lung::client {
namespace {

using ::m3lung::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Health = grpc::health::v1::HealthCheckResponse;

struct Outcome {
  int exit_code = -1;
  std::string output;  // standard output and standard error
};

Outcome RunM3Lung(const std::string& arguments) {
  Outcome outcome;
  FILE* pipe = popen(absl::StrCat(M3LUNG_BINARY, " ", arguments, " 2>&1").c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() {
    for (int i = 0; i < 7; ++i) folder_.Add(absl::StrCat("study/", i), absl::StrCat("slice ", i));
  }

  std::string Study() const { return (folder_.path() / "study").string(); }
  std::string To(const FakeServer& server) const {
    return absl::StrCat(" --server=", server.address());
  }

  const TemporaryFolder folder_;
  ReceivedStudy received_;
  const StudyScript normally_ = [this](auto&, auto& stream) {
    return AnswerNormally(stream, received_);
  };
};

TEST_F(CommandTest, AnalyzesAStudy) {
  FakeServer server(normally_);
  const std::string json = folder_.path() / "answer.json";
  const std::string report = folder_.path() / "report";
  const Outcome outcome = RunM3Lung(
      absl::StrCat("analyze ", Study(), To(server), " --json=", json, " --report=", report,
                   " --crop=paper --model=fake:3 --maps=full --urgent --timeout=60"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("sent 7 of 7 instances"), HasSubstr("answered 7 of 7 slices"),
                    HasSubstr(json), HasSubstr(report + "/report.html"),
                    ContainsRegex("Label +COVID-19"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(received_.header.crop_mode(), v1::PAPER);
  EXPECT_EQ(received_.header.model_name(), "fake");
  EXPECT_EQ(received_.header.model_version(), "3");
  EXPECT_EQ(received_.header.lesion_maps(), v1::FULL_SIZE);
  EXPECT_EQ(received_.header.priority(), v1::URGENT);

  M3L_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(json));
  const nlohmann::json answer = nlohmann::json::parse(text);
  ASSERT_EQ(answer["slices"].size(), 7U);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(answer["slices"][static_cast<size_t>(i)]["index"], i);
    EXPECT_EQ(answer["slices"][static_cast<size_t>(i)]["instance"], 6 - i);
    EXPECT_EQ(answer["receipts"][static_cast<size_t>(i)]["instance"], i);
  }
  EXPECT_EQ(answer["patient"]["label"], "COVID_19");

  // What was sent is no DICOM here, so that pictures give way to words.
  M3L_ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile(report + "/report.html"));
  EXPECT_THAT(page, HasSubstr("no picture: "));
}

TEST_F(CommandTest, TellsOfARefusal) {
  FakeServer server([](grpc::ServerContext& context, ServerStream&) {
    context.AddTrailingMetadata("m3lung-reason", "MODEL_UNKNOWN");
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no model gone is loaded");
  });
  const std::string json = folder_.path() / "answer.json";
  const Outcome outcome =
      RunM3Lung(absl::StrCat("analyze ", Study(), To(server), " --model=gone --json=", json));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("m3lung: no model gone is loaded (NOT_FOUND, "
                                        "MODEL_UNKNOWN)\n`m3lung models` lists"));
  EXPECT_FALSE(std::filesystem::exists(json));
}

TEST_F(CommandTest, FailsForAStudyThatWasRejectedButKeepsTheAnswer) {
  FakeServer server(normally_);
  const auto file = folder_.Add("other", "bad");
  const std::string json = folder_.path() / "answer.json";
  const Outcome outcome =
      RunM3Lung(absl::StrCat("analyze ", file.string(), To(server), " --json=", json));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output,
              AllOf(ContainsRegex("Verdict +REJECTED \\(NO_USABLE_INSTANCE\\)"),
                    ContainsRegex("Skipped +1 x NOT_DICOM: no DICOM data set in 3 bytes"),
                    HasSubstr("nothing in it could be analysed")));
  EXPECT_TRUE(std::filesystem::exists(json));
}

TEST_F(CommandTest, TakesAnAbstentionForAnAnswer) {
  const v1::StudyAnswer abstained = AbstainedAnswer();
  FakeServer server(
      [&](auto&, auto& stream) { return SendAfterUpload(abstained, stream, received_); });
  const std::string json = folder_.path() / "answer.json";
  const std::string report = folder_.path() / "report";
  const Outcome outcome = RunM3Lung(
      absl::StrCat("analyze ", Study(), To(server), " --json=", json, " --report=", report));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("sent 7 of 7 instances\n"), HasSubstr("answered 30 of 30 slices\n"),
                    ContainsRegex("Verdict +ABSTAINED \\(TOO_FEW_LUNG_SLICES\\)"),
                    ContainsRegex("Label +no label is given")));
  M3L_ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(json));
  const nlohmann::json slices = nlohmann::json::parse(text)["slices"];
  ASSERT_EQ(slices.size(), 30U);
  EXPECT_EQ(slices[11]["instance"], 10);
  EXPECT_EQ(slices[11]["frame"], 18);
  EXPECT_EQ(slices[12]["scored"], false);
  M3L_ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile(report + "/report.html"));
  EXPECT_THAT(page, HasSubstr("No label</p><p class=\"faint\">none is given"));
}

TEST_F(CommandTest, EndsWithTwoWhereItIsUsedWrongly) {
  const std::string empty = folder_.path() / "empty";
  std::filesystem::create_directory(empty);
  const std::string gone = folder_.path() / "gone";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "A subcommand is required"},
      {"unheard-of", "unheard-of"},
      {"analyze", "paths is required"},
      {absl::StrCat("analyze ", Study(), " --frobnicate"), "--frobnicate"},
      {absl::StrCat("analyze ", Study(), " --crop=square"), "--crop"},
      {absl::StrCat("analyze ", Study(), " --maps=huge"), "--maps"},
      {absl::StrCat("analyze ", Study(), " --timeout=-1"), "--timeout"},
      {absl::StrCat("analyze ", gone), absl::StrCat("there is no ", gone)},
      {absl::StrCat("analyze ", empty), "no files to send"},
      {absl::StrCat("analyze ", Study(), " --json=", gone, "/a.json"), "there is no folder"},
      {absl::StrCat("analyze ", Study(), " --json=", empty), "is a folder; name a file"},
      {absl::StrCat("analyze ", Study(), " --report=", Study(), "/0"), "cannot make the folder"},
      {"health --verbose", "--verbose"},
  };
  for (const auto& [arguments, message] : wrong) {
    const Outcome outcome = RunM3Lung(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << "\n" << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr(message)) << arguments;
  }
}

TEST_F(CommandTest, TellsWhereNoServerIs) {
  const Outcome outcome = RunM3Lung(absl::StrCat("analyze ", Study(), " --server=127.0.0.1:1"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("Is a server running at 127.0.0.1:1? Start one with"));
}

TEST_F(CommandTest, DocumentsExitCodesWithAnExample) {
  for (const std::string command : {"analyze", "models", "health"}) {
    const Outcome outcome = RunM3Lung(absl::StrCat(command, " --help"));
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("Exit codes: 0"), HasSubstr("2 used wrongly"),
                                      HasSubstr(absl::StrCat("Example: m3lung ", command))));
  }
}

TEST_F(CommandTest, ReportsHealth) {
  FakeServer server(normally_);
  EXPECT_EQ(RunM3Lung(absl::StrCat("health", To(server))).exit_code, 1);
  server.health = {{"liveness", Health::SERVING}, {"readiness", Health::NOT_SERVING}};
  const Outcome starting = RunM3Lung(absl::StrCat("health", To(server)));
  EXPECT_EQ(starting.exit_code, 1);
  EXPECT_EQ(starting.output, "liveness   SERVING\nreadiness  NOT_SERVING\n");
  server.health["readiness"] = Health::SERVING;
  EXPECT_EQ(RunM3Lung(absl::StrCat("health", To(server))).exit_code, 0);
  EXPECT_EQ(RunM3Lung("health --server=127.0.0.1:1").exit_code, 1);
}

TEST_F(CommandTest, ListsModels) {
  FakeServer server(normally_);
  v1::Model& model = *server.models.add_models();
  model.mutable_reference()->set_name("small");
  model.mutable_reference()->set_version("1");
  model.mutable_reference()->set_notice("Research use only. Random weights.");
  model.set_is_default(true);
  model.mutable_provenance()->set_weights_origin(v1::RANDOM);
  model.set_crop_mode(v1::PAPER);
  model.set_input_size(512);
  model.set_device("cpu");
  model.set_runs_on("TorchScript fp32");
  model.set_batches_at_once(2);
  const Outcome outcome = RunM3Lung(absl::StrCat("models", To(server)));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(
      outcome.output,
      AllOf(ContainsRegex(
                "\\* small +1 +RANDOM +PAPER +512 +cpu, TorchScript fp32, batches at once 2"),
            HasSubstr("Research use only. Random weights.")));
  EXPECT_EQ(RunM3Lung("models --server=127.0.0.1:1").exit_code, 1);
}

}  // namespace
}  // namespace m3lung::client
