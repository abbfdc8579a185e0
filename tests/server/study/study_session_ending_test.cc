// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "server/study/study_session.h"
#include "tests/server/study/study_session_fixture.h"
#include "tests/testing/await.h"

namespace m3lung {
namespace {

using ::m3lung::testing::RecordingSink;
using ::m3lung::testing::StudySessionTest;

// What ends a study from outside, by the code that its client is told.
using Ending = std::pair<absl::StatusCode, std::function<void(StudySession&)>>;

class EndingTest : public StudySessionTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // Brings a study of two slices to where the parameter says.
  void ReachPlace() {
    const std::string place = GetParam();
    Begin(*sink_now_);
    if (place == "before its header") return;
    SendHeader();
    if (place == "within an instance") return SendChunk(std::string(100, 'x'), /*last=*/false);
    SendHu(1, 1);
    if (place == "waiting for a decoder") return;
    runner_->Hold(place == "in a batch" || place == "queued behind a batch");
    const size_t batches = runner_->batches().size();
    executor_.RunFirst();
    runner_->WaitForBatches(batches + 1);
    if (place == "in a batch") return;
    if (place == "queued behind a batch") {
      SendHu(2, 2);
      return executor_.RunFirst();
    }
    sink_now_->WaitForSlices(1);
    if (place == "while the client reads") return;
    session_->OnHalfClose();
    if (place == "waiting to be assembled") return;
    executor_.RunFirst();
    ASSERT_EQ(place, "between the networks");
  }

  RecordingSink* sink_now_ = nullptr;
};

TEST_P(EndingTest, LeavesNothingAndAnswersNothingMore) {
  const std::vector<Ending> endings = {
      {absl::StatusCode::kCancelled, [](StudySession& session) { session.OnCancel(); }},
      {absl::StatusCode::kInternal,
       [](StudySession& session) {
         session.EndWith(CallError(absl::InternalError("an error elsewhere"), v1::MODEL_FAILED));
       }},
      {absl::StatusCode::kUnavailable,
       [](StudySession& session) {
         session.EndWith(
             CallError(absl::UnavailableError("the server is stopping"), v1::NOT_READY));
       }},
  };
  for (const auto& [code, end] : endings) {
    RecordingSink sink;
    sink_now_ = &sink;
    ReachPlace();
    end(*session_);
    EXPECT_EQ(sink.WaitForEnd().code(), code);
    EXPECT_EQ(budget_.taken(), 0);  // at once, not when its work has come back
    const size_t sent = sink.sent().size();
    // All that was under way comes back, and finds nobody.
    runner_->Hold(false);
    while (executor_.queued() > 0) executor_.RunFirst();
    SendHu(3, 3);
    session_->OnHalfClose();
    end(*session_);
    testing::AwaitThat([&] { return model_->batcher->queued() == 0; }, "the queue to be empty");
    EXPECT_EQ(sink.WaitForEnd().code(), code);  // and has ended once
    EXPECT_EQ(sink.sent().size(), sent);
    EXPECT_EQ(budget_.taken(), 0);
    session_->OnClosed();
    // The next study is right.
    RecordingSink next;
    Begin(next);
    SendHeader();
    SendHu(2, 2);
    session_->OnHalfClose();
    testing::AwaitThat(
        [&] {
          if (executor_.queued() > 0) executor_.RunFirst();
          return next.ended();
        },
        "the next study's end");
    EXPECT_TRUE(next.WaitForEnd().ok());
    EXPECT_EQ(next.sent().back().patient().label(), v1::H1N1);
    session_->OnClosed();
  }
}

INSTANTIATE_TEST_SUITE_P(Everywhere, EndingTest,
                         ::testing::Values("before its header", "within an instance",
                                           "waiting for a decoder", "in a batch",
                                           "queued behind a batch", "while the client reads",
                                           "waiting to be assembled", "between the networks"));

}  // namespace
}  // namespace m3lung
