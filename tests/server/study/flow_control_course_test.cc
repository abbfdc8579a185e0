// SPDX-License-Identifier: Apache-2.0
// Whatever course a study takes, flow control keeps its promises.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "server/study/flow_control.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::ManualClock;

using Grant = FlowControl::Grant;
using Turn = FlowControl::Turn;

// A study of slices that are answered as they come, whose work goes on in any order. It keeps its
// own account of what is held, and of what is under way.
class AnyCourse {
 public:
  AnyCourse(int seed, int64_t bytes, FlowControl& flow, const MemoryBudget& budget,
            const server::Limits& limits)
      : random_(seed),
        map_bytes_(seed % 3 == 0 ? 0 : bytes / 4),
        flow_(flow),
        budget_(budget),
        limits_(limits) {}

  // Until the study is done with, or ends for want of memory.
  void Run() {
    ASSERT_THAT(flow_.Open(/*as_they_come=*/true, kInstances), IsOk());
    ReadNext();
    while (!ended_ && (instances_ < kInstances || in_work_ > 0)) {
      std::vector<void (AnyCourse::*)()> steps;
      if (read_pending_) steps.push_back(&AnyCourse::Receive);
      if (!decoding_.empty()) steps.push_back(&AnyCourse::Decode);
      if (scored_ > 0 && !answers_wait_) steps.push_back(&AnyCourse::Answer);
      if (unread_ > 0) steps.push_back(&AnyCourse::Write);
      ASSERT_FALSE(steps.empty()) << "everything waits, and nothing is under way";
      (this->*steps[Any(steps.size())])();
      ASSERT_LE(in_work_, limits_.unanswered_slices());
      ASSERT_EQ(budget_.taken(), ended_ ? 0 : held_);
    }
    if (ended_) return;
    EXPECT_EQ(held_, 0);
    flow_.End(/*answered=*/true);
    EXPECT_EQ(budget_.taken(), 0);
  }

  bool ended() const { return ended_; }
  bool waited() const { return waited_; }

 private:
  static constexpr int kInstances = 12;
  static constexpr int64_t kEncoded = 300 << 10, kPixels = 2 << 20;

  size_t Any(size_t count) { return random_() % count; }
  void ReadNext() {
    if (instances_ < kInstances && flow_.TakeReadCredit()) read_pending_ = true;
  }
  bool Hold(int64_t bytes) {
    if (flow_.Hold(bytes).ok()) {
      held_ += bytes;
      return true;
    }
    EXPECT_GT(held_ + bytes, budget_.bytes());
    End();
    return false;
  }
  void End() {
    flow_.End(/*answered=*/false);
    ended_ = true;
  }
  void TryAgain() {
    const FlowControl::Retry retry = flow_.TakeWaiting();
    if (retry.answers) answers_wait_ = false;
    if (retry.instance == nullptr) return;
    --waiting_;
    BeginDecoding(retry.instance);
  }
  void BeginDecoding(std::shared_ptr<ReceivedInstance> instance) {
    flow_.BeginDecoding();
    decoding_.push_back(std::move(instance));
  }

  void Receive() {
    read_pending_ = false;
    flow_.OnRequest();
    if (!Hold(kEncoded)) return;
    ++instances_;
    ++in_work_;
    flow_.BeginInstance();
    BeginDecoding(std::make_shared<ReceivedInstance>());
    ReadNext();
  }
  void Decode() {
    const size_t which = Any(decoding_.size());
    const std::shared_ptr<ReceivedInstance> instance = decoding_[which];
    Grant grant;
    const bool admitted = flow_.Admit({.bytes = kPixels}, grant).ok() &&
                          flow_.Admit({.frames = 1, .bytes = kPixels}, grant).ok();
    decoding_.erase(decoding_.begin() + static_cast<std::ptrdiff_t>(which));
    if (!admitted) return Refuse(instance, grant);
    ASSERT_THAT(flow_.OnDecoded(kEncoded, grant, kPixels, 0), IsOk());
    held_ += kPixels - kEncoded;
    flow_.SplitInstance(1);
    flow_.BeginScoring();
    ++scored_;
    TryAgain();
    ReadNext();
  }
  void Refuse(const std::shared_ptr<ReceivedInstance>& instance, const Grant& grant) {
    const bool others = !decoding_.empty() || Maps() > 0 || (scored_ > 0 && !answers_wait_);
    switch (flow_.OnFull(instance, grant)) {
      case Turn::kLater:
        EXPECT_TRUE(others) << "it waits for nothing";
        waited_ = true;
        ++waiting_;
        return;
      case Turn::kNow:
        EXPECT_FALSE(others);
        EXPECT_GT(waiting_, 0);
        return BeginDecoding(instance);
      case Turn::kNever:
        EXPECT_FALSE(others) << "it could have waited";
        return End();
    }
  }
  void Answer() {
    const bool others = !decoding_.empty() || Maps() > 0;
    switch (flow_.HoldForAnswer(map_bytes_)) {
      case Turn::kLater:
        EXPECT_TRUE(others) << "it waits for nothing";
        waited_ = answers_wait_ = true;
        return;
      case Turn::kNever:
        EXPECT_FALSE(others) << "it could have waited";
        return End();
      case Turn::kNow:
        break;
    }
    held_ += map_bytes_ - kPixels;
    flow_.EndScoring(map_bytes_);
    flow_.GiveBack(kPixels);
    flow_.OnSent();
    --scored_;
    ++unread_;
    TryAgain();
  }
  void Write() {
    --unread_;
    --in_work_;
    held_ -= map_bytes_;
    flow_.OnWritten(map_bytes_, /*ends_work=*/true);
    if (map_bytes_ > 0) TryAgain();
    ReadNext();
  }
  int Maps() const { return map_bytes_ > 0 ? unread_ : 0; }

  std::mt19937 random_;
  const int64_t map_bytes_;
  FlowControl& flow_;
  const MemoryBudget& budget_;
  const server::Limits& limits_;

  std::vector<std::shared_ptr<ReceivedInstance>> decoding_;
  int instances_ = 0, in_work_ = 0, waiting_ = 0, scored_ = 0, unread_ = 0;
  bool read_pending_ = false, answers_wait_ = false, waited_ = false, ended_ = false;
  int64_t held_ = 0;
};

TEST(FlowControlCourseTest, HoldsWhatItWasGivenGivesAllBackAndWaitsForWhatIsUnderWayAlone) {
  int ended = 0, waited = 0;
  for (int seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    server::Limits limits;
    limits.set_unanswered_slices(1 + seed % 5);
    MemoryBudget budget((4 + seed % 24) * (int64_t{1} << 20));
    Admission admission(limits, budget);
    ServerMetrics metrics;
    const ManualClock clock;
    FlowControl flow(limits, admission, metrics, clock);
    AnyCourse course(seed, budget.bytes(), flow, budget, limits);
    course.Run();
    ASSERT_FALSE(::testing::Test::HasFailure());
    flow.OnClosed();
    EXPECT_EQ(budget.taken(), 0);
    ended += course.ended();
    waited += course.waited() && !course.ended();
  }
  // Both happens, or this shows little.
  EXPECT_GT(ended, 20);
  EXPECT_GT(waited, 20);
}

}  // namespace
}  // namespace m3lung
