// SPDX-License-Identifier: Apache-2.0
#include "server/study/flow_control.h"

#include <memory>
#include <utility>

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

}  // namespace
}  // namespace m3lung
