// SPDX-License-Identifier: Apache-2.0
#include "client/study_client.h"

#include <future>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/channel.h"
#include "client/remote_status.h"
#include "fake_server.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"
#include "volume_answer.h"

namespace m3lung::client {
namespace {

using m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kChunk = 256 << 10;

std::vector<std::filesystem::path> AddFiles(const TemporaryFolder& folder,
                                            const std::vector<std::string>& contents) {
  std::vector<std::filesystem::path> files;
  for (const std::string& bytes : contents) {
    files.push_back(folder.Add(absl::StrCat("file", files.size()), bytes));
  }
  return files;
}

TEST(StudyClientTest, SendsEveryByteInSmallPiecesAfterTheHeader) {
  ReceivedStudy received;
  FakeServer server([&](auto&, auto& stream) { return AnswerNormally(stream, received); });
  const TemporaryFolder folder;
  const std::vector<std::string> contents = {"", "a", std::string(kChunk, 'b'),
                                             std::string(2 * kChunk + 1, 'c')};
  StudyOptions options;
  options.header.set_model_name("name");
  options.header.set_crop_mode(v1::PAPER);
  M3L_ASSERT_OK_AND_ASSIGN(
      const v1::StudyAnswer answer,
      StudyClient(MakeChannel(server.address())).Analyze(AddFiles(folder, contents), options));

  EXPECT_EQ(received.instances, contents);
  EXPECT_LE(received.largest_chunk, kChunk);
  EXPECT_EQ(received.header.model_name(), "name");
  EXPECT_EQ(received.header.crop_mode(), v1::PAPER);
  EXPECT_EQ(received.header.expected_instances(), 4);
  EXPECT_EQ(answer.patient().label(), v1::COVID_19);
}

TEST(StudyClientTest, ArrangesSlicesFromHeadToFeetAndNumbersEarlyOnes) {
  ReceivedStudy received;
  FakeServer server([&](auto&, auto& stream) { return AnswerNormally(stream, received); });
  const TemporaryFolder folder;
  M3L_ASSERT_OK_AND_ASSIGN(const v1::StudyAnswer answer,
                           StudyClient(MakeChannel(server.address()))
                               .Analyze(AddFiles(folder, {"0", "1", "bad", "3", "4", "5"}), {}));

  std::vector<int> indices;
  std::vector<int> instances;
  for (const v1::SliceResult& slice : answer.slices()) {
    EXPECT_TRUE(slice.has_index());
    indices.push_back(slice.index());
    instances.push_back(slice.instance());
  }
  EXPECT_THAT(indices, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(instances, ElementsAre(5, 4, 3, 1, 0));
  ASSERT_EQ(answer.receipts_size(), 6);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(answer.receipts(i).instance(), i);
  EXPECT_EQ(answer.receipts(2).status(), v1::SKIPPED);
  EXPECT_EQ(answer.receipts(2).reason(), v1::NOT_DICOM);
}

TEST(StudyClientTest, FindsThePlaceOfEachFrame) {
  const v1::StudyAnswer sent = VolumeAnswer();
  ReceivedStudy received;
  FakeServer server([&](auto&, auto& stream) { return SendAfterUpload(sent, stream, received); });
  const TemporaryFolder folder;
  StudyOptions options;
  std::vector<StudyStage> stages;
  options.on_progress = [&stages](const StudyStage& stage) { stages.push_back(stage); };
  M3L_ASSERT_OK_AND_ASSIGN(
      const v1::StudyAnswer answer,
      StudyClient(MakeChannel(server.address())).Analyze(AddFiles(folder, {"0", "1"}), options));

  ASSERT_EQ(answer.slices_size(), 30);
  for (int i = 0; i < 30; ++i) {
    const v1::SliceResult& slice = answer.slices(i);
    ASSERT_TRUE(slice.has_index());
    EXPECT_EQ(slice.index(), i);
    EXPECT_EQ(slice.instance(), i < 10 ? 9 - i : 10) << i;
    EXPECT_EQ(slice.frame(), i < 10 ? 0 : 29 - i) << i;
    EXPECT_EQ(slice.scored(), sent.slices(i).scored()) << i;
  }
  // Two files sent, the upload's end, and every slice, those without lung too.
  ASSERT_EQ(stages.size(), 33U);
  EXPECT_EQ(stages[2].instances_sent, 2);
  EXPECT_TRUE(stages[2].upload_ended);
  EXPECT_EQ(stages[2].slices_answered, 0);
  EXPECT_EQ(stages[2].slices_used, 30);
  EXPECT_EQ(stages.back().slices_answered, 30);
}

TEST(StudyClientTest, TellsProgressToTheEnd) {
  ReceivedStudy received;
  FakeServer server([&](auto&, auto& stream) { return AnswerNormally(stream, received); });
  const TemporaryFolder folder;
  StudyOptions options;
  std::vector<StudyStage> stages;  // calls never overlap
  options.on_progress = [&stages](const StudyStage& stage) { stages.push_back(stage); };
  M3L_ASSERT_OK_AND_ASSIGN(const v1::StudyAnswer answer,
                           StudyClient(MakeChannel(server.address()))
                               .Analyze(AddFiles(folder, {"0", "1", "bad", "3"}), options));

  ASSERT_EQ(stages.size(), 8U);  // four sent, upload ended, three answered
  for (size_t i = 1; i < stages.size(); ++i) {
    EXPECT_GE(stages[i].instances_sent, stages[i - 1].instances_sent);
    EXPECT_GE(stages[i].slices_answered, stages[i - 1].slices_answered);
  }
  EXPECT_EQ(stages.back().instances_sent, 4);
  EXPECT_EQ(stages.back().instances_total, 4);
  EXPECT_EQ(stages.back().slices_answered, 3);
  EXPECT_EQ(stages.back().slices_used, 3);
  EXPECT_TRUE(stages.back().upload_ended);
}

// A client that sends all before it reads would wait for ever: the server writes
// more than the connection holds before it reads on.
TEST(StudyClientTest, ReadsAnswersWhileTheServerDoesNotReadOn) {
  ReceivedStudy received;
  FakeServer server([&](auto&, auto& stream) {
    ReadInstance(stream, received);
    v1::AnalyzeStudyResponse large;
    large.mutable_receipt()->set_detail(std::string(1 << 20, 'x'));
    for (int i = 0; i < 24; ++i) stream.Write(large);
    return AnswerNormally(stream, received);
  });
  const TemporaryFolder folder;
  StudyOptions options;
  options.timeout = absl::Seconds(60);
  M3L_ASSERT_OK_AND_ASSIGN(
      const v1::StudyAnswer answer,
      StudyClient(MakeChannel(server.address()))
          .Analyze(AddFiles(folder, std::vector<std::string>(24, std::string(1 << 20, 'y'))),
                   options));
  EXPECT_EQ(received.instances.size(), 24U);
  EXPECT_EQ(answer.receipts_size(), 24 + 23);
}

TEST(StudyClientTest, KeepsCodeMessageAndReasonOfARefusalInMidStream) {
  ReceivedStudy received;
  FakeServer server([&](grpc::ServerContext& context, ServerStream& stream) {
    ReadInstance(stream, received);
    context.AddTrailingMetadata("m3lung-reason", "STUDY_TOO_LARGE");
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "more than 1 instance");
  });
  const TemporaryFolder folder;
  const auto answer =
      StudyClient(MakeChannel(server.address()))
          .Analyze(AddFiles(folder, std::vector<std::string>(12, std::string(1 << 20, 'y'))), {});
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kResourceExhausted, "more than 1 instance"));
  EXPECT_EQ(ReasonOf(answer.status()), "STUDY_TOO_LARGE");
  EXPECT_THAT(ExplainFailure(answer.status(), server.address()),
              AllOf(HasSubstr("more than 1 instance (RESOURCE_EXHAUSTED, STUDY_TOO_LARGE)"),
                    HasSubstr("Send one CT series")));
}

TEST(StudyClientTest, SaysHowFarTheStudyWasWhenTheServerVanishes) {
  ReceivedStudy received;
  FakeServer server([&](grpc::ServerContext&, ServerStream& stream) {
    ReadInstance(stream, received);
    v1::AnalyzeStudyResponse response;
    *response.mutable_slice() = FakeSlice(0, 2);
    stream.Write(response);
    while (ReadInstance(stream, received)) {
    }
    response.mutable_progress();
    while (stream.Write(response)) {
    }
    return grpc::Status::OK;
  });
  const TemporaryFolder folder;
  absl::Notification far_enough;
  StudyOptions options;
  options.on_progress = [&](const StudyStage& stage) {
    if (stage.slices_answered == 1 && stage.instances_sent == 2) far_enough.Notify();
  };
  std::future<absl::StatusOr<v1::StudyAnswer>> answer = std::async(std::launch::async, [&] {
    return StudyClient(MakeChannel(server.address()))
        .Analyze(AddFiles(folder, {"0", "1"}), options);
  });
  far_enough.WaitForNotification();
  server.Vanish();
  EXPECT_THAT(answer.get(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("was lost after 2 of 2 instances sent and 1 slices answered")));
}

TEST(StudyClientTest, SaysThatNoServerAnswers) {
  const TemporaryFolder folder;
  const auto answer = StudyClient(MakeChannel("127.0.0.1:1")).Analyze(AddFiles(folder, {"0"}), {});
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no server answers")));
  EXPECT_THAT(ExplainFailure(answer.status(), "127.0.0.1:1"),
              AllOf(HasSubstr("Is a server running at 127.0.0.1:1?"), HasSubstr("m3lungd")));
}

TEST(StudyClientTest, EndsAtTheTimeout) {
  ReceivedStudy received;
  absl::Notification done;
  FakeServer server([&](grpc::ServerContext&, ServerStream& stream) {
    while (ReadInstance(stream, received)) {
    }
    done.WaitForNotification();
    return grpc::Status::OK;
  });
  const TemporaryFolder folder;
  StudyOptions options;
  options.timeout = absl::Milliseconds(100);
  const auto answer =
      StudyClient(MakeChannel(server.address())).Analyze(AddFiles(folder, {"0"}), options);
  done.Notify();
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(StudyClientTest, WithdrawsTheStudyWhereAFileCannotBeRead) {
  ReceivedStudy received;
  absl::Notification ended;
  bool answerable = true;
  FakeServer server([&](grpc::ServerContext&, ServerStream& stream) {
    while (ReadInstance(stream, received)) {
    }
    answerable = stream.Write({});
    ended.Notify();
    return grpc::Status::OK;
  });
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> files = AddFiles(folder, {std::string(1 << 20, 'x')});
  files.push_back(folder.path() / "gone");
  const auto answer = StudyClient(MakeChannel(server.address())).Analyze(files, {});
  EXPECT_THAT(answer,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr((folder.path() / "gone").string())));
  ended.WaitForNotification();
  EXPECT_FALSE(answerable) << "the server was left with part of a study";
}

TEST(StudyClientTest, TakesNoAnswerWithoutAPatientForAnAnswer) {
  ReceivedStudy received;
  FakeServer server([&](grpc::ServerContext&, ServerStream& stream) {
    while (ReadInstance(stream, received)) {
    }
    return grpc::Status::OK;
  });
  const TemporaryFolder folder;
  EXPECT_THAT(StudyClient(MakeChannel(server.address())).Analyze(AddFiles(folder, {"0"}), {}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("without a result")));
}

}  // namespace
}  // namespace m3lung::client
