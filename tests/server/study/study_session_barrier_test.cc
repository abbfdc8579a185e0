// SPDX-License-Identifier: Apache-2.0
// What a study's work throws ends that study alone; what a batch thread does for it is next to
// nothing.
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "server/study/study_session.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::RecordingSink;
using ::m3lung::testing::StudySessionTest;

class BarrierTest : public StudySessionTest {
 protected:
  // The next study on the same server is answered.
  void ExpectNextIsRight() {
    assemble_ = nullptr;
    runner_->Throw(false);
    RecordingSink next;
    Begin(next);
    SendHeader();
    SendHu(2, 2);
    session_->OnHalfClose();
    while (!next.ended()) {
      if (executor_.queued() > 0) executor_.RunFirst();
    }
    EXPECT_TRUE(next.WaitForEnd().ok());
    EXPECT_EQ(next.sent().back().patient().label(), v1::H1N1);
    session_->OnClosed();
    EXPECT_EQ(budget_.taken(), 0);
  }
  // A study of one slice up to its assembler.
  void ReachAssembly() {
    Begin();
    SendHeader();
    SendHu(1, 1);
    session_->OnHalfClose();
    executor_.RunFirst();
    sink_.WaitForSlices(1);
    executor_.RunFirst();
  }
};

TEST_F(BarrierTest, WantOfMemoryInAssemblingEndsTheStudyAsTheServersBeingFull) {
  assemble_ = [](const auto&, const auto&) -> AssembledStudy { throw std::bad_alloc(); };
  ReachAssembly();
  ExpectError(absl::StatusCode::kResourceExhausted, v1::SERVER_FULL, "no memory left");
  EXPECT_GT(RetryAfterOf(sink_.WaitForEnd()), absl::ZeroDuration());
  ExpectNextIsRight();
}

TEST_F(BarrierTest, AnyOtherExceptionEndsTheStudyAsInternalAndIsNotQuoted) {
  assemble_ = [](const auto&, const auto&) -> AssembledStudy {
    throw std::runtime_error("Doe^Jane");
  };
  ReachAssembly();
  ExpectError(absl::StatusCode::kInternal, v1::PROCESSING_FAILED, "failed on this call");
  EXPECT_THAT(std::string(sink_.WaitForEnd().message()),
              ::testing::Not(::testing::HasSubstr("Doe")));
  ExpectNextIsRight();
}

TEST_F(BarrierTest, ASliceNetworkThatThrowsEndsTheStudy) {
  runner_->Throw(true);
  Begin();
  SendHeader();
  SendHu(1, 1);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInternal, v1::MODEL_FAILED, "slice network");
  ExpectNextIsRight();
}

TEST_F(BarrierTest, APatientNetworkThatThrowsEndsTheStudy) {
  ReachAssembly();
  runner_->Throw(true);
  executor_.RunFirst();
  ExpectError(absl::StatusCode::kInternal, v1::MODEL_FAILED, "patient network");
  ExpectNextIsRight();
}

TEST_F(BarrierTest, ABatchThreadHandsOverAndGoesOnWhoeverHoldsTheSessionsLock) {
  // A client whose answer is made while the sink is busy, with the session's lock held.
  class SlowSink final : public StudySink {
   public:
    void Send(v1::AnalyzeStudyResponse response) override {
      if (!response.has_receipt()) return;
      absl::MutexLock lock(&mu_);
      held_ = true;
      mu_.Await(absl::Condition(&go_on_));
      held_ = false;
    }
    void ReadNext() override {}
    void Finish(const absl::Status&) override {}
    void Abandon() override {}
    void WaitUntilHeld() {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&held_));
    }
    void GoOn(bool go_on) {
      absl::MutexLock lock(&mu_);
      go_on_ = go_on;
    }

   private:
    absl::Mutex mu_;
    bool held_ = false, go_on_ = true;
  };
  answering_ = &answers_;
  SlowSink sink;
  Begin(sink);
  SendHeader();
  SendHu(1, 1);
  runner_->Hold(true);
  executor_.RunFirst();  // Its slice waits in the batch.
  runner_->WaitForBatches(1);
  SendHu(2, 2);
  sink.GoOn(false);
  std::jthread decoder([this] { executor_.RunFirst(); });  // holds the lock in its receipt
  sink.WaitUntilHeld();
  runner_->Hold(false);
  // The batch thread has done with the first slice: it goes on to another study's.
  WaitUntilScored();
  EXPECT_EQ(answers_.queued(), 1);
  sink.GoOn(true);
  decoder.join();
  answers_.RunFirst();
  session_->OnCancel();
}

TEST_F(BarrierTest, AnswersComeInTheOrderScored) {
  answering_ = &answers_;
  limits_.set_unanswered_slices(9);
  Begin();
  SendHeader();
  for (int16_t i = 1; i <= 3; ++i) {
    SendHu(i, i);
    executor_.RunFirst();
    runner_->WaitForBatches(static_cast<size_t>(i));
  }
  WaitUntilScored();
  while (answers_.queued() > 0) answers_.RunLast();
  std::vector<int> instances;
  for (const auto& response : sink_.sent()) {
    if (response.has_slice()) instances.push_back(response.slice().instance());
  }
  EXPECT_THAT(instances, ::testing::ElementsAre(0, 1, 2));
  session_->OnCancel();
}

}  // namespace
}  // namespace m3lung
