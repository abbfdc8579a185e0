// SPDX-License-Identifier: Apache-2.0
#include "server/study/open_sessions.h"

#include <memory>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "tests/testing/await.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/manual_executor.h"

namespace m3lung {
namespace {

using ::m3lung::testing::ManualClock;
using ::m3lung::testing::ManualExecutor;

class EndingSink final : public StudySink {
 public:
  void Send(v1::AnalyzeStudyResponse) override {}
  void ReadNext() override {}
  void Finish(const absl::Status& error) override {
    absl::MutexLock lock(&mu_);
    error_ = error;
    ended_ = true;
  }
  void Abandon() override {}
  bool ended() const {
    absl::MutexLock lock(&mu_);
    return ended_;
  }
  absl::Status WaitForEnd() {
    absl::MutexLock lock(&mu_);
    testing::Await(mu_, absl::Condition(&ended_), "the study's end");
    return error_;
  }

 private:
  mutable absl::Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

class OpenSessionsTest : public ::testing::Test {
 protected:
  std::shared_ptr<StudySession> Open(StudySink& sink) {
    auto session = StudySession::Create(environment_, sink, 1);
    sessions_.Add(session);
    session->Start();
    return session;
  }

  ModelRegistry models_;
  ManualExecutor executor_;
  ServerMetrics metrics_;
  ManualClock clock_;
  const server::Limits limits_ = [] {
    server::Limits limits;
    limits.set_idle_seconds(80);
    return limits;
  }();
  MemoryBudget budget_{1 << 20};
  Admission admission_{limits_, budget_};
  const SessionEnvironment environment_{models_, executor_, executor_, metrics_,
                                        clock_,  limits_,   admission_};
  OpenSessions sessions_{clock_, absl::Seconds(80)};
};

TEST_F(OpenSessionsTest, EndsIdleStudiesInTime) {
  EndingSink early, late;
  const auto first = Open(early);
  clock_.WaitForAWaiter();
  clock_.Advance(absl::Seconds(40));
  const auto second = Open(late);
  clock_.WaitForAWaiter();
  clock_.Advance(absl::Seconds(40));
  EXPECT_EQ(ErrorReasonOf(early.WaitForEnd()), v1::CLIENT_IDLE);
  EXPECT_FALSE(late.ended());
  second->OnCancel();
}

TEST_F(OpenSessionsTest, EndsAllOfThemButThoseThatHaveGone) {
  EndingSink gone, here;
  Open(gone)->OnCancel();
  const auto session = Open(here);
  sessions_.EndAll(CallError(absl::UnavailableError("no device"), v1::DEVICE_FAILED));
  EXPECT_EQ(gone.WaitForEnd().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ErrorReasonOf(here.WaitForEnd()), v1::DEVICE_FAILED);
}

}  // namespace
}  // namespace m3lung
