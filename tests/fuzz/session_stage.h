// SPDX-License-Identifier: Apache-2.0
// What stands around a study session in the request fuzzer: its client and its
// pool of threads, both driven by one thread.
#ifndef M3LUNG_TESTS_FUZZ_SESSION_STAGE_H_
#define M3LUNG_TESTS_FUZZ_SESSION_STAGE_H_

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "server/study/study_session.h"
#include "tests/fuzz/invariants.h"

namespace m3lung::testing {

// The sink and the executor share one lock, so that "nothing is left to do here,
// wait for the batch thread" is one condition.
class SessionStage final : public StudySink, public Executor {
 public:
  // --- StudySink ---
  void Send(v1::AnalyzeStudyResponse response) override {
    absl::MutexLock lock(&mu_);
    M3L_FUZZ_REQUIRE(finishes_ == 0);
    sent_.push_back(std::move(response));
  }
  void ReadNext() override {
    absl::MutexLock lock(&mu_);
    M3L_FUZZ_REQUIRE(finishes_ == 0);
    M3L_FUZZ_REQUIRE(!read_pending_);
    read_pending_ = true;
  }
  void Finish(const absl::Status& error) override {
    absl::MutexLock lock(&mu_);
    ++finishes_;
    M3L_FUZZ_REQUIRE(finishes_ == 1);
    error_ = error;
  }
  void Abandon() override {}

  // --- Executor ---
  void Run(std::function<void()> work) override {
    absl::MutexLock lock(&mu_);
    work_.push_back(std::move(work));
  }

  // Does one piece of the pool's work in this thread; false where there is none.
  bool RunOne(bool first) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mu_);
      if (work_.empty()) return false;
      work = std::move(first ? work_.front() : work_.back());
      first ? work_.pop_front() : work_.pop_back();
    }
    work();
    return true;
  }

  // The client has read one more response; false where it has read all.
  bool WriteOne(StudySession& session) {
    v1::AnalyzeStudyResponse response;
    {
      absl::MutexLock lock(&mu_);
      if (written_ == sent_.size() || finishes_ > 0) return false;
      response = sent_[written_++];
    }
    session.OnWritten(response);
    return true;
  }

  // Whether the session has asked for a request; it has then been given one.
  bool TakeRead() {
    absl::MutexLock lock(&mu_);
    return std::exchange(read_pending_, false);
  }

  // Blocks until there is work, an answer to read, a read to fulfil, or the end.
  void AwaitNews() {
    absl::MutexLock lock(&mu_);
    const auto news = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return finishes_ > 0 || read_pending_ || !work_.empty() || written_ < sent_.size();
    };
    mu_.Await(absl::Condition(&news));
  }

  bool ended() const {
    absl::MutexLock lock(&mu_);
    return finishes_ > 0;
  }
  // REQUIRES: ended().
  absl::Status error() const {
    absl::MutexLock lock(&mu_);
    return error_;
  }
  std::vector<v1::AnalyzeStudyResponse> sent() const {
    absl::MutexLock lock(&mu_);
    return sent_;
  }

 private:
  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> work_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::AnalyzeStudyResponse> sent_ ABSL_GUARDED_BY(mu_);
  size_t written_ ABSL_GUARDED_BY(mu_) = 0;
  bool read_pending_ ABSL_GUARDED_BY(mu_) = false;
  int finishes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_FUZZ_SESSION_STAGE_H_
