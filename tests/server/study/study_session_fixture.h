// SPDX-License-Identifier: Apache-2.0
// A study session whose client, clock, decoding pool and networks the test plays.
#ifndef M3LUNG_TESTS_SERVER_STUDY_STUDY_SESSION_FIXTURE_H_
#define M3LUNG_TESTS_SERVER_STUDY_STUDY_SESSION_FIXTURE_H_

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "server/call_error.h"
#include "server/study/study_session.h"
#include "tests/testing/await.h"
#include "tests/testing/fake_assembler.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/inline_executor.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/manual_executor.h"
#include "tests/testing/status_matchers.h"

namespace m3lung::testing {

// Keeps what a session sends.
class RecordingSink final : public StudySink {
 public:
  void Send(v1::AnalyzeStudyResponse response) override {
    absl::MutexLock lock(&mu_);
    sent_.push_back(std::move(response));
  }
  void ReadNext() override {
    absl::MutexLock lock(&mu_);
    ++reads_;
  }
  void Finish(const absl::Status& error) override {
    absl::MutexLock lock(&mu_);
    ended_.push_back(error);
  }
  void Abandon() override { ++abandoned_; }

  int abandoned() const { return abandoned_; }
  int reads() const {
    absl::MutexLock lock(&mu_);
    return reads_;
  }
  bool ended() const {
    absl::MutexLock lock(&mu_);
    return !ended_.empty();
  }
  absl::Status WaitForEnd() {
    absl::MutexLock lock(&mu_);
    const auto ended = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !ended_.empty(); };
    Await(mu_, absl::Condition(&ended), "the study's end");
    EXPECT_EQ(ended_.size(), 1);
    return ended_.front();
  }
  // Blocks until `count` slice results have been sent.
  void WaitForSlices(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::count_if(sent_.begin(), sent_.end(),
                           [](const auto& response) { return response.has_slice(); }) >= count;
    };
    Await(mu_, absl::Condition(&enough), absl::StrCat(count, " slice results"));
  }
  std::vector<v1::AnalyzeStudyResponse> sent() const {
    absl::MutexLock lock(&mu_);
    return sent_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<v1::AnalyzeStudyResponse> sent_ ABSL_GUARDED_BY(mu_);
  std::vector<absl::Status> ended_ ABSL_GUARDED_BY(mu_);
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  std::atomic<int> abandoned_ = 0;
};

class StudySessionTest : public ::testing::Test {
 protected:
  StudySessionTest() {
    models_.Add(model_);
    limits_.set_unanswered_slices(2);
    limits_.set_instances_per_study(6);
    limits_.set_instance_bytes(1024);
    limits_.set_study_bytes(4096);
    limits_.set_frames_per_instance(6);
    limits_.set_held_bytes(1 << 20);
    limits_.set_open_studies(1);
  }

  // The batch thread finds the session ended and its sink unused, and ends before what it uses.
  ~StudySessionTest() override {
    session_->OnCancel();
    EXPECT_EQ(budget_.taken(), 0);  // whatever became of the study
    EXPECT_THAT(admission_.OpenRoutine(), IsOk());
    runner_->Hold(false);
    model_->batcher->Stop();
  }

  void Begin() { Begin(sink_); }
  void Begin(StudySink& sink) {
    environments_.push_back(std::make_unique<SessionEnvironment>(
        SessionEnvironment{.models = models_,
                           .pool = executor_,
                           .answering = *answering_,
                           .metrics = metrics_,
                           .clock = clock_,
                           .limits = limits_,
                           .admission = admission_,
                           .assemble = assemble_ == nullptr ? assembler_ : assemble_}));
    session_ = StudySession::Create(*environments_.back(), sink, 1, deadline_);
    session_->Start();
  }
  void SendHeader(const v1::StudyHeader& header = {}) {
    v1::AnalyzeStudyRequest request;
    *request.mutable_header() = header;
    session_->OnRequest(request);
  }
  void SendHu(int16_t pixel, double position_mm) {
    v1::AnalyzeStudyRequest request;
    v1::HuSlice& slice = *request.mutable_hu_slice();
    slice.set_rows(4);
    slice.set_columns(4);
    slice.set_row_spacing_mm(1);
    slice.set_column_spacing_mm(1);
    slice.set_position_mm(position_mm);
    for (int i = 0; i < 16; ++i) {
      slice.mutable_hu()->push_back(static_cast<char>(pixel & 0xff));
      slice.mutable_hu()->push_back(static_cast<char>(pixel >> 8));
    }
    session_->OnRequest(request);
  }
  void SendChunk(const std::string& bytes, bool last) {
    v1::AnalyzeStudyRequest request;
    request.mutable_dicom()->set_data(bytes);
    request.mutable_dicom()->set_last(last);
    session_->OnRequest(request);
  }
  // Plays the client that reads: everything sent so far has been written.
  void WriteAll() {
    const auto sent = sink_.sent();
    for (; written_ < sent.size(); ++written_) session_->OnWritten(sent[written_]);
  }
  // Blocks until all slices that were submitted are scored: another study's, behind them in the one
  // batch thread, is.
  void WaitUntilScored() {
    absl::Notification scored;
    SliceTask last;
    last.study = 99;
    last.hu = std::vector<int16_t>(16);
    last.done = [&scored](absl::StatusOr<SliceScores>, SliceCost) { scored.Notify(); };
    ASSERT_TRUE(model_->batcher->Submit(std::move(last)).ok());
    ASSERT_TRUE(scored.WaitForNotificationWithTimeout(absl::Seconds(60)))
        << "the batch thread is stuck";
  }
  void ExpectError(absl::StatusCode code, v1::ErrorReason reason, const std::string& message) {
    const absl::Status error = sink_.WaitForEnd();
    EXPECT_EQ(error.code(), code) << error;
    EXPECT_EQ(ErrorReasonOf(error), reason) << v1::ErrorReason_Name(ErrorReasonOf(error));
    EXPECT_THAT(std::string(error.message()), ::testing::HasSubstr(message));
  }

  const FakeModel fake_ = MakeFakeModel();
  const std::shared_ptr<ServedModel> model_ = fake_.model;
  FakeRunner* const runner_ = fake_.runner;
  ModelRegistry models_;
  ManualExecutor executor_;
  InlineExecutor batch_thread_;
  ManualExecutor answers_;
  // Where answers are made: at once on the batch thread, or in answers_ when the test says so.
  Executor* answering_ = &batch_thread_;
  ServerMetrics metrics_;
  ManualClock clock_;
  server::Limits limits_;
  MemoryBudget budget_{16 << 20};
  Admission admission_{limits_, budget_};
  absl::Time deadline_ = absl::InfiniteFuture();
  FakeAssembler assembler_;
  StudyAssembler assemble_ = nullptr;  // in its place
  RecordingSink sink_;
  // One a session: what an ended one had under way may still come back.
  std::vector<std::unique_ptr<SessionEnvironment>> environments_;
  std::shared_ptr<StudySession> session_;
  size_t written_ = 0;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_SERVER_STUDY_STUDY_SESSION_FIXTURE_H_
