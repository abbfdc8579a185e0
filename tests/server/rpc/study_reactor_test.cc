// SPDX-License-Identifier: Apache-2.0
// Studies over a gRPC stream: order, end, cancellation, deadline and what is left behind.
#include "server/rpc/study_reactor.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "server/call_error.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::RpcTest;
using ::m3lung::testing::StudyCall;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

using StudyReactorTest = RpcTest;

std::vector<std::string> KindsOf(const std::vector<v1::AnalyzeStudyResponse>& responses) {
  std::vector<std::string> kinds;
  for (const auto& response : responses) {
    if (response.has_progress()) kinds.emplace_back("progress");
    if (response.has_receipt()) {
      kinds.push_back(absl::StrCat("receipt ", response.receipt().instance()));
    }
    if (response.has_slice()) kinds.push_back(absl::StrCat("slice ", response.slice().instance()));
    if (response.has_patient()) kinds.emplace_back("patient");
  }
  return kinds;
}

TEST_F(StudyReactorTest, AnswersInOrderAndEndsWithThePatient) {
  Start();
  const auto call = Open();
  v1::StudyHeader header;
  header.set_crop_mode(v1::VOLUME);
  header.set_client_study_id("mine");
  ASSERT_TRUE(call->SendHeader(header));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call->SendSlice(static_cast<int16_t>(i + 1), 30 - i));
  ASSERT_TRUE(call->HalfClose());
  const std::vector<v1::AnalyzeStudyResponse> responses = call->ReadAll();
  const grpc::Status status = call->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(call->reason(), "");
  const std::vector<std::string> kinds = KindsOf(responses);
  ASSERT_EQ(kinds.size(), 9);
  EXPECT_THAT(std::vector(kinds.begin(), kinds.begin() + 5),
              ElementsAre("progress", "receipt 0", "receipt 1", "receipt 2", "progress"));
  EXPECT_THAT(std::vector(kinds.begin() + 5, kinds.begin() + 8),
              UnorderedElementsAre("slice 0", "slice 1", "slice 2"));
  EXPECT_EQ(kinds.back(), "patient");
  EXPECT_EQ(responses.back().patient().client_study_id(), "mine");
  EXPECT_EQ(responses.back().patient().label(), v1::COVID_19);
  ExpectNothingIsLeft();
  EXPECT_EQ(Sample("m3lung_studies_total", {"OK"}), 1);
}

TEST_F(StudyReactorTest, AnswersWhileTheClientStillSends) {
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  EXPECT_THAT(KindsOf({call->Read().value()}), ElementsAre("progress"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(call->SendSlice(1, i));
    std::vector<std::string> kinds = KindsOf({call->Read().value(), call->Read().value()});
    EXPECT_THAT(kinds, ElementsAre(absl::StrCat("receipt ", i), absl::StrCat("slice ", i)));
  }
  ASSERT_TRUE(call->HalfClose());
  EXPECT_EQ(KindsOf(call->ReadAll()).back(), "patient");
  EXPECT_TRUE(call->Finish().ok());
  ExpectNothingIsLeft();
}

TEST_F(StudyReactorTest, AStreamAgainstTheRulesEndsWithItsReason) {
  Start();
  const auto headless = Open();
  ASSERT_TRUE(headless->HalfClose());
  EXPECT_TRUE(headless->ReadAll().empty());
  const grpc::Status status = headless->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("ended before its header"));
  EXPECT_EQ(headless->reason(), "HEADER_MISPLACED");
  EXPECT_EQ(headless->retry_after_ms(), "");

  const auto unfinished = Open();
  ASSERT_TRUE(unfinished->SendHeader());
  ASSERT_TRUE(unfinished->SendChunk("x", /*last=*/false));
  ASSERT_TRUE(unfinished->HalfClose());
  unfinished->ReadAll();
  EXPECT_EQ(unfinished->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(unfinished->reason(), "INSTANCE_UNFINISHED");

  const auto unknown = Open();
  v1::StudyHeader header;
  header.set_model_name("unknown");
  ASSERT_TRUE(unknown->SendHeader(header));
  unknown->ReadAll();
  EXPECT_EQ(unknown->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(unknown->reason(), "MODEL_UNKNOWN");
  ExpectNothingIsLeft();
}

TEST_F(StudyReactorTest, IsRefusedBeforeItsHeaderWhileTheServerDoesNotServe) {
  Start();
  admission_.SetServing(false);
  const auto call = Open();
  EXPECT_TRUE(call->ReadAll().empty());
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("loading its models or stopping"));
  EXPECT_EQ(call->reason(), "NOT_READY");
  EXPECT_EQ(Sample("m3lung_studies_total", {"UNAVAILABLE"}), 1);
  ExpectNothingIsLeft();
}

TEST_F(StudyReactorTest, OneStudyTooManyIsToldWhenToTryAgain) {
  limits_.set_open_studies(1);
  Start();
  const auto first = Open();
  ASSERT_TRUE(first->SendHeader());
  ASSERT_TRUE(first->Read().has_value());
  const auto second = Open();
  EXPECT_TRUE(second->ReadAll().empty());
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(second->reason(), "TOO_MANY_STUDIES");
  int milliseconds = 0;
  ASSERT_TRUE(absl::SimpleAtoi(second->retry_after_ms(), &milliseconds));
  EXPECT_GT(milliseconds, 0);
  ASSERT_TRUE(first->HalfClose());
  first->ReadAll();
  EXPECT_TRUE(first->Finish().ok());
  ExpectNothingIsLeft();
  // The refused one has given no place back that it did not have.
  const auto third = Open();
  ASSERT_TRUE(third->SendHeader());
  EXPECT_TRUE(third->Read().has_value());
  third->Cancel();
  third->ReadAll();
  third->Finish();
  ExpectNothingIsLeft();
}

// A stream that breaks off within an instance would, taken for a half-close, be the client's error.
TEST_F(StudyReactorTest, AClientThatCancelsHasNotHalfClosed) {
  Start();
  constexpr int kTimes = 20;
  for (int i = 0; i < kTimes; ++i) {
    const auto call = Open();
    ASSERT_TRUE(call->SendHeader());
    ASSERT_TRUE(call->SendChunk("x", /*last=*/false));
    ASSERT_TRUE(call->Read().has_value());
    call->Cancel();
    call->ReadAll();
    EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  ExpectNothingIsLeft();
  EXPECT_EQ(Sample("m3lung_studies_total", {"CANCELLED"}), kTimes);
  EXPECT_EQ(Sample("m3lung_studies_total", {"INVALID_ARGUMENT"}), 0);
}

TEST_F(StudyReactorTest, ACancelledStudyIsNotScoredAnyFurther) {
  Start();
  runner_->Hold(true);
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  ASSERT_TRUE(call->SendSlice(1, 1));
  runner_->WaitForBatches(1);
  ASSERT_TRUE(call->SendSlice(2, 2));
  testing::AwaitThat([&] { return fake_.model->batcher->queued() == 1; }, "the second slice");
  call->Cancel();
  call->ReadAll();
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ExpectNothingIsLeft();
  runner_->Hold(false);
  testing::AwaitThat([&] { return fake_.model->batcher->queued() == 0; }, "the queue's end");
  EXPECT_THAT(runner_->batches(), ElementsAre(ElementsAre(1)));
  testing::AwaitThat([&] { return Sample("m3lung_slices_in_vain_total") == 1; },
                     "the slice scored in vain");
}

TEST_F(StudyReactorTest, EndsAtTheClientsDeadline) {
  Start();
  runner_->Hold(true);
  const auto call = Open(absl::Milliseconds(200));
  ASSERT_TRUE(call->SendHeader());
  ASSERT_TRUE(call->SendSlice(1, 1));
  call->ReadAll();
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  ExpectNothingIsLeft();
}

// The client reads nothing: one message is in flight and the others wait for it.
TEST_F(StudyReactorTest, AWriteThatFailsInMidStreamEndsTheStudy) {
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call->SendSlice(static_cast<int16_t>(i + 1), i));
  runner_->WaitForBatches(3);
  testing::AwaitThat([&] { return Sample("m3lung_slices_scored_total", {"CAP"}) == 1; },
                     "the last slice's score");
  call->Cancel();
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ExpectNothingIsLeft();
  EXPECT_EQ(Sample("m3lung_studies_total", {"CANCELLED"}), 1);
}

TEST_F(StudyReactorTest, AfterAnErrorOnlyWhatIsInFlightStillLeaves) {
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call->SendSlice(static_cast<int16_t>(i + 1), i));
  testing::AwaitThat([&] { return Sample("m3lung_slices_scored_total", {"CAP"}) == 1; },
                     "the last slice's score");
  screening_->EndAll(CallError(absl::UnavailableError("the server is stopping"), v1::NOT_READY));
  EXPECT_THAT(KindsOf(call->ReadAll()), ElementsAre("progress"));
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the server is stopping");
  EXPECT_EQ(call->reason(), "NOT_READY");
  ExpectNothingIsLeft();
}

TEST_F(StudyReactorTest, AClientThatSendsNothingIsEnded) {
  limits_.set_idle_seconds(60);
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  ASSERT_TRUE(call->Read().has_value());
  // It may still be told that the message was written, which counts as a sign of life.
  testing::AwaitThat(
      [&] {
        clock_.Advance(absl::Seconds(60));
        return Sample("m3lung_studies_total", {"DEADLINE_EXCEEDED"}) == 1;
      },
      "the end of the idle study");
  EXPECT_FALSE(call->Read().has_value());
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(call->reason(), "CLIENT_IDLE");
  ExpectNothingIsLeft();
}

TEST_F(StudyReactorTest, TheStreamOfAClientThatReadsNothingIsCutOff) {
  limits_.set_idle_seconds(60);
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  testing::AwaitThat(
      [&] {
        clock_.Advance(absl::Seconds(60));
        return Sample("m3lung_studies_total", {"DEADLINE_EXCEEDED"}) == 1;
      },
      "the end of the idle study");
  // Its end waits behind the message that nobody reads, until the stream is abandoned.
  testing::AwaitThat(
      [&] {
        clock_.Advance(absl::Seconds(60));
        return Sample("m3lung_open_studies") == 0;
      },
      "the stream to be cut off");
  ExpectNothingIsLeft();
  // Whichever of the two comes first: the stream's cut or the study's end.
  EXPECT_THAT(call->Finish().error_code(),
              ::testing::AnyOf(grpc::StatusCode::CANCELLED, grpc::StatusCode::DEADLINE_EXCEEDED));
}

TEST_F(StudyReactorTest, AServerThatShutsDownLeavesNothing) {
  Start();
  const auto call = Open();
  ASSERT_TRUE(call->SendHeader());
  ASSERT_TRUE(call->SendSlice(1, 1));
  ASSERT_TRUE(call->Read().has_value());
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  ExpectNothingIsLeft();
  call->ReadAll();
  EXPECT_FALSE(call->Finish().ok());
}

}  // namespace
}  // namespace m3lung
