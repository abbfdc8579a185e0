// SPDX-License-Identifier: Apache-2.0
#include "server/study/flow_control.h"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "server/call_error.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::ManualClock;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

using Grant = FlowControl::Grant;
using Turn = FlowControl::Turn;

class FlowControlTest : public ::testing::Test {
 protected:
  FlowControlTest() {
    limits_.set_unanswered_slices(2);
    limits_.set_held_bytes(1000);
    limits_.set_slices_per_study(5);
    limits_.set_idle_seconds(60);
  }

  // Other studies leave so many bytes.
  void LeaveRoom(int64_t bytes) {
    ASSERT_TRUE(budget_.Take(budget_.bytes() - bytes));
    others_ = budget_.taken();
  }
  int64_t held() const { return budget_.taken() - others_; }

  // An instance that is being decoded, and was granted so much.
  Grant Decoding(int64_t bytes) {
    flow_.BeginInstance();
    flow_.BeginDecoding();
    Grant grant;
    EXPECT_THAT(flow_.Admit({.frames = 1, .bytes = bytes}, grant), IsOk());
    return grant;
  }
  // An instance for whose decoding there are too few bytes. What is said to it.
  Turn Refused(const std::shared_ptr<ReceivedInstance>& instance = nullptr) {
    flow_.BeginDecoding();
    Grant grant;
    EXPECT_THAT(flow_.Admit({.frames = 1, .bytes = budget_.bytes() + 1}, grant),
                StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
    EXPECT_TRUE(grant.full);
    return flow_.OnFull(instance, grant);
  }
  void ExpectReason(const absl::Status& error, v1::ErrorReason reason) {
    EXPECT_EQ(ErrorReasonOf(error), reason) << error;
  }

  server::Limits limits_;
  MemoryBudget budget_{64 << 20};
  Admission admission_{limits_, budget_};
  ServerMetrics metrics_;
  ManualClock clock_;
  FlowControl flow_{limits_, admission_, metrics_, clock_};
  int64_t others_ = 0;
};

// --- Credit for reading ----------------------------------------------------

TEST_F(FlowControlTest, AsksForOneRequestAtATimeAndForNoneAfterTheLast) {
  EXPECT_TRUE(flow_.TakeReadCredit());
  EXPECT_FALSE(flow_.TakeReadCredit());
  flow_.OnRequest();
  EXPECT_TRUE(flow_.TakeReadCredit());
  EXPECT_FALSE(flow_.half_closed());
  flow_.OnHalfClose();
  EXPECT_TRUE(flow_.half_closed());
  EXPECT_FALSE(flow_.TakeReadCredit());
}

TEST_F(FlowControlTest, AsksForNothingAfterTheEnd) {
  flow_.End(/*answered=*/true);
  EXPECT_FALSE(flow_.TakeReadCredit());
}

TEST_F(FlowControlTest, AnInstanceIsInWorkUntilTheClientHasReadTheLastOfItsSlices) {
  flow_.BeginInstance();
  flow_.SplitInstance(3);
  EXPECT_FALSE(flow_.TakeReadCredit());
  flow_.OnWritten(0, /*ends_work=*/true);
  EXPECT_FALSE(flow_.TakeReadCredit());  // Two are left, the limit.
  flow_.OnWritten(0, /*ends_work=*/false);
  EXPECT_FALSE(flow_.TakeReadCredit());
  flow_.OnWritten(0, /*ends_work=*/true);
  EXPECT_TRUE(flow_.TakeReadCredit());
}

TEST_F(FlowControlTest, AnInstanceThatWaitsForTheStudysEndIsNotInWork) {
  flow_.BeginInstance();
  flow_.BeginInstance();
  EXPECT_FALSE(flow_.TakeReadCredit());
  EXPECT_THAT(flow_.KeepInstance(1000), IsOk());
  EXPECT_TRUE(flow_.TakeReadCredit());
  const absl::Status error = flow_.KeepInstance(1);
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("1000 bytes")));
  ExpectReason(error, v1::STUDY_TOO_LARGE);
}

TEST_F(FlowControlTest, SlicesThatWaitedAreTakenUpWhileFewAreInWork) {
  EXPECT_TRUE(flow_.TakeSliceCredit());
  EXPECT_TRUE(flow_.TakeSliceCredit());
  EXPECT_FALSE(flow_.TakeSliceCredit());
  flow_.OnWritten(0, /*ends_work=*/true);
  EXPECT_TRUE(flow_.TakeSliceCredit());
}

TEST_F(FlowControlTest, ReadsOnWithoutRoomOnlyWhereWaitingWouldGiveNone) {
  LeaveRoom((4 << 20) - 1);
  ASSERT_THAT(flow_.Open(/*as_they_come=*/true, 0), IsOk());
  EXPECT_TRUE(flow_.TakeReadCredit());  // Nothing is in work.
  flow_.OnRequest();
  flow_.BeginInstance();
  EXPECT_FALSE(flow_.TakeReadCredit());
  budget_.Give(1);  // by another study
  EXPECT_TRUE(flow_.TakeReadCredit());
  budget_.Give(others_ - 1);

  LeaveRoom(1000);
  FlowControl to_the_end(limits_, admission_, metrics_, clock_);
  ASSERT_THAT(to_the_end.Open(/*as_they_come=*/false, 0), IsOk());
  to_the_end.BeginInstance();
  EXPECT_TRUE(to_the_end.TakeReadCredit());
}

// --- Memory ----------------------------------------------------------------

TEST_F(FlowControlTest, SetsAsideWhatIsAnnouncedAndWaitsForTheStudysEnd) {
  limits_.set_held_bytes(int64_t{1} << 40);
  constexpr int64_t kInstance = 512 << 10;
  ASSERT_THAT(flow_.Open(/*as_they_come=*/false, 3), IsOk());
  EXPECT_EQ(budget_.taken(), 3 * kInstance);
  EXPECT_THAT(flow_.Hold(kInstance), IsOk());
  EXPECT_EQ(budget_.taken(), 3 * kInstance);  // It is one of those.
  EXPECT_THAT(flow_.EndAssembling(0), IsOk());
  EXPECT_EQ(budget_.taken(), kInstance);

  FlowControl more(limits_, admission_, metrics_, clock_);
  ExpectReason(more.Open(/*as_they_come=*/false, 128), v1::SERVER_FULL);
  FlowControl as_they_come(limits_, admission_, metrics_, clock_);
  EXPECT_THAT(as_they_come.Open(/*as_they_come=*/true, 128), IsOk());
  EXPECT_EQ(budget_.taken(), kInstance);
}

TEST_F(FlowControlTest, SetsAsideNoMoreThanAStudyMayHold) {
  ASSERT_THAT(flow_.Open(/*as_they_come=*/false, 3), IsOk());
  EXPECT_EQ(budget_.taken(), limits_.held_bytes());
}

TEST_F(FlowControlTest, HoldsNothingMoreWhereTheServerIsFull) {
  LeaveRoom(100);
  EXPECT_THAT(flow_.Hold(100), IsOk());
  const absl::Status error = flow_.Hold(1);
  ExpectReason(error, v1::SERVER_FULL);
  EXPECT_GT(RetryAfterOf(error), absl::ZeroDuration());
  EXPECT_EQ(held(), 100);
  flow_.GiveBack(1);
  EXPECT_EQ(held(), 99);
  EXPECT_THAT(flow_.Hold(1), IsOk());
}

TEST_F(FlowControlTest, DecodedPixelsTakeThePlaceOfWhatDecodingTook) {
  ASSERT_THAT(flow_.Hold(10), IsOk());  // as it came
  Grant grant = Decoding(30);
  EXPECT_THAT(flow_.Admit({.frames = 1, .bytes = 5}, grant), IsOk());
  EXPECT_EQ(grant.bytes, 35);
  EXPECT_EQ(held(), 45);
  EXPECT_THAT(flow_.OnDecoded(/*encoded_bytes=*/10, grant, /*pixel_bytes=*/20, /*coarse_bytes=*/2),
              IsOk());
  EXPECT_EQ(held(), 22);
}

TEST_F(FlowControlTest, AStudyHasNoMoreSlicesThanItMay) {
  Grant grant;
  EXPECT_THAT(flow_.Admit({.frames = 5}, grant), IsOk());
  EXPECT_THAT(flow_.Admit({.frames = 0, .bytes = 1}, grant), IsOk());
  const absl::Status error = flow_.Admit({.frames = 1, .bytes = 1}, grant);
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("than 5 slices")));
  ExpectReason(error, v1::STUDY_TOO_LARGE);
  EXPECT_FALSE(grant.full);
  EXPECT_EQ(held(), 1);
}

TEST_F(FlowControlTest, AssemblingHoldsTheCoarseSlicesSeveralTimesAndThenTheMasks) {
  EXPECT_THAT(flow_.OnDecoded(0, Grant{}, /*pixel_bytes=*/100, /*coarse_bytes=*/10), IsOk());
  EXPECT_THAT(flow_.BeginAssembling(), IsOk());
  EXPECT_EQ(held(), 100 + 9 * 10);
  EXPECT_THAT(flow_.EndAssembling(/*mask_bytes=*/5), IsOk());
  EXPECT_EQ(held(), 100 + 5);
}

TEST_F(FlowControlTest, AssemblingForWhichThereIsNoMemoryEndsTheStudy) {
  LeaveRoom(89);
  EXPECT_THAT(flow_.OnDecoded(0, Grant{}, 0, /*coarse_bytes=*/10), IsOk());
  ExpectReason(flow_.BeginAssembling(), v1::SERVER_FULL);
}

// --- What waits for memory -------------------------------------------------

TEST_F(FlowControlTest, AnInstanceIsRefusedWhereNothingIsUnderWay) {
  EXPECT_EQ(Refused(), Turn::kNever);
}

TEST_F(FlowControlTest, ARefusedInstanceGivesBackWhatItHadBeenGranted) {
  LeaveRoom(100);
  const Grant other = Decoding(10);
  Grant grant = Decoding(50);
  EXPECT_THAT(flow_.Admit({.bytes = 41}, grant), ::testing::Not(IsOk()));
  EXPECT_EQ(flow_.OnFull(std::make_shared<ReceivedInstance>(), grant), Turn::kLater);
  EXPECT_EQ(held(), other.bytes);
}

TEST_F(FlowControlTest, InstancesWaitForOthersThatAreDecodedAndComeAgainInTheirOrder) {
  const Grant other = Decoding(10);
  const auto first = std::make_shared<ReceivedInstance>();
  const auto second = std::make_shared<ReceivedInstance>();
  EXPECT_EQ(Refused(first), Turn::kLater);
  EXPECT_EQ(Refused(second), Turn::kLater);
  ASSERT_THAT(flow_.OnDecoded(0, other, 0, 0), IsOk());
  EXPECT_EQ(flow_.TakeWaiting().instance, first);
  EXPECT_EQ(flow_.TakeWaiting().instance, second);
  EXPECT_EQ(flow_.TakeWaiting().instance, nullptr);
}

TEST_F(FlowControlTest, AnInstanceWaitsForASliceThatIsScoredAndForAMapThatIsNotRead) {
  flow_.BeginScoring();
  EXPECT_EQ(Refused(), Turn::kLater);
  flow_.EndScoring(/*map_bytes=*/0);
  flow_.TakeWaiting();
  EXPECT_EQ(Refused(), Turn::kNever);

  ASSERT_EQ(flow_.HoldForAnswer(10), Turn::kNow);
  flow_.BeginScoring();
  flow_.EndScoring(/*map_bytes=*/10);
  EXPECT_EQ(Refused(), Turn::kLater);
  flow_.OnWritten(0, /*ends_work=*/false);  // an answer without a map
  EXPECT_EQ(Refused(), Turn::kLater);
  EXPECT_EQ(held(), 10);
  flow_.OnWritten(10, /*ends_work=*/true);
  EXPECT_EQ(held(), 0);
  flow_.TakeWaiting();
  flow_.TakeWaiting();
  EXPECT_EQ(Refused(), Turn::kNever);
}

TEST_F(FlowControlTest, TheLastOfInstancesThatWereDecodedTogetherIsTriedOnceMoreAlone) {
  flow_.BeginDecoding();  // beside the first
  const auto first = std::make_shared<ReceivedInstance>();
  const auto last = std::make_shared<ReceivedInstance>();
  EXPECT_EQ(Refused(first), Turn::kLater);
  const Grant grant = {.bytes = 0, .full = true};
  EXPECT_EQ(flow_.OnFull(last, grant), Turn::kNow);
  EXPECT_EQ(Refused(last), Turn::kNever);
}

TEST_F(FlowControlTest, AnInstanceThatWasDecodedGivesTheNextOneATryOfItsOwn) {
  flow_.BeginDecoding();
  EXPECT_EQ(Refused(), Turn::kLater);
  EXPECT_EQ(flow_.OnFull(nullptr, {.full = true}), Turn::kNow);
  flow_.BeginDecoding();
  ASSERT_THAT(flow_.OnDecoded(0, {}, 0, 0), IsOk());
  EXPECT_EQ(Refused(), Turn::kNow);
}

TEST_F(FlowControlTest, AnswersWaitForDecodingAndForMapsAndComeBeforeInstances) {
  LeaveRoom(10);
  flow_.BeginScoring();
  EXPECT_EQ(flow_.HoldForAnswer(11), Turn::kNever);
  const Grant other = Decoding(1);
  const auto instance = std::make_shared<ReceivedInstance>();
  EXPECT_EQ(Refused(instance), Turn::kLater);
  EXPECT_EQ(flow_.HoldForAnswer(10), Turn::kLater);
  EXPECT_EQ(held(), other.bytes);
  ASSERT_THAT(flow_.OnDecoded(0, other, 0, 0), IsOk());
  const FlowControl::Retry answers = flow_.TakeWaiting();
  EXPECT_TRUE(answers.answers);
  EXPECT_EQ(answers.instance, nullptr);
  EXPECT_EQ(flow_.HoldForAnswer(10), Turn::kNow);
  const FlowControl::Retry decoding = flow_.TakeWaiting();
  EXPECT_FALSE(decoding.answers);
  EXPECT_EQ(decoding.instance, instance);
}

TEST_F(FlowControlTest, AnInstanceDoesNotWaitForSlicesWhoseAnswersWaitThemselves) {
  LeaveRoom(10);
  flow_.BeginScoring();
  const Grant other = Decoding(1);
  EXPECT_EQ(flow_.HoldForAnswer(10), Turn::kLater);
  // The last that is decoded finds no memory either.
  EXPECT_EQ(flow_.OnFull(std::make_shared<ReceivedInstance>(), other), Turn::kNever);
}

// --- The client ------------------------------------------------------------

TEST_F(FlowControlTest, AClientIsIdleThatHasBeenAskedForTooLong) {
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(flow_.CheckClient(), IsOk());  // Nothing was asked of it.
  flow_.TakeReadCredit();
  clock_.Advance(absl::Seconds(59));
  EXPECT_THAT(flow_.CheckClient(), IsOk());
  clock_.Advance(absl::Seconds(1));
  const absl::Status error = flow_.CheckClient();
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("for 1m")));
  ExpectReason(error, v1::CLIENT_IDLE);
  flow_.OnRequest();
  flow_.TakeReadCredit();
  EXPECT_THAT(flow_.CheckClient(), IsOk());
}

TEST_F(FlowControlTest, AClientIsIdleThatDoesNotReadAndNotWhileItWaits) {
  clock_.Advance(absl::Hours(1));  // of work, before there was anything to read
  flow_.OnSent();
  flow_.OnSent();
  EXPECT_THAT(flow_.CheckClient(), IsOk());
  clock_.Advance(absl::Seconds(59));
  flow_.OnWritten(0, false);
  clock_.Advance(absl::Seconds(59));
  EXPECT_THAT(flow_.CheckClient(), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(flow_.CheckClient().ok());
  flow_.OnWritten(0, false);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(flow_.CheckClient(), IsOk());
}

TEST_F(FlowControlTest, AClientHasAsLongToReadTheEndAndNoLongerOnceTheStreamHasClosed) {
  clock_.Advance(absl::Hours(1));
  flow_.End(/*answered=*/true);
  clock_.Advance(absl::Seconds(59));
  EXPECT_THAT(flow_.CheckClient(), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(flow_.CheckClient().ok());
  flow_.OnClosed();
  EXPECT_THAT(flow_.CheckClient(), IsOk());
}

// --- The end ---------------------------------------------------------------

TEST_F(FlowControlTest, AnAnsweredStudyHoldsTheMapsThatTheClientHasYetToRead) {
  ASSERT_THAT(flow_.Open(/*as_they_come=*/false, 1), IsOk());
  ASSERT_THAT(flow_.Hold(2000), IsOk());
  for (int i = 0; i < 2; ++i) {
    flow_.BeginScoring();
    ASSERT_EQ(flow_.HoldForAnswer(10), Turn::kNow);
    flow_.EndScoring(10);
  }
  flow_.End(/*answered=*/true);
  EXPECT_EQ(held(), 20);
  flow_.OnWritten(10, true);
  EXPECT_EQ(held(), 10);
  flow_.ReleaseAll();
  EXPECT_EQ(held(), 0);
  flow_.OnWritten(10, true);  // of what has been released before
  EXPECT_EQ(held(), 0);
}

TEST_F(FlowControlTest, AFailedStudyHoldsNothingAndWhatWaitedIsGone) {
  const Grant other = Decoding(10);
  auto instance = std::make_shared<ReceivedInstance>();
  const std::weak_ptr<ReceivedInstance> waiting = instance;
  ASSERT_EQ(Refused(std::exchange(instance, nullptr)), Turn::kLater);
  flow_.End(/*answered=*/false);
  EXPECT_EQ(held(), 0);
  EXPECT_TRUE(waiting.expired());
  EXPECT_EQ(flow_.TakeWaiting().instance, nullptr);
  Grant grant = other;
  EXPECT_THAT(flow_.Admit({.frames = 1, .bytes = 1}, grant),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_EQ(held(), 0);
}

// --- Any course of a study -------------------------------------------------

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
