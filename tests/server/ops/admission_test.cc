// SPDX-License-Identifier: Apache-2.0
#include "server/ops/admission.h"

#include <memory>

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

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    limits_.set_open_studies(3);
    limits_.set_places_kept_for_urgent_studies(1);
    limits_.set_open_slices(2);
    admission_.SetServing(true);
  }

  server::Limits limits_;
  MemoryBudget budget_{1000};
  Admission admission_{limits_, budget_};
};

TEST_F(AdmissionTest, RefusesAllUntilItServes) {
  Admission closed(limits_, budget_);
  for (const absl::Status& refusal : {closed.OpenStudy(), closed.OpenSlice()}) {
    EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("loading")));
    EXPECT_EQ(ErrorReasonOf(refusal), v1::NOT_READY);
  }
  closed.SetServing(true);
  EXPECT_THAT(closed.OpenStudy(), IsOk());
}

TEST_F(AdmissionTest, RefusesStudiesBeyondItsPlacesAndSaysWhenToComeAgain) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(admission_.OpenStudy(), IsOk());
  const absl::Status refusal = admission_.OpenStudy();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("3 studies open")));
  EXPECT_EQ(ErrorReasonOf(refusal), v1::TOO_MANY_STUDIES);
  EXPECT_GT(RetryAfterOf(refusal), absl::ZeroDuration());
  admission_.CloseStudy();
  EXPECT_THAT(admission_.OpenStudy(), IsOk());
}

TEST_F(AdmissionTest, KeepsPlacesForUrgentStudies) {
  EXPECT_THAT(admission_.OpenRoutine(), IsOk());
  EXPECT_THAT(admission_.OpenRoutine(), IsOk());
  const absl::Status refusal = admission_.OpenRoutine();
  EXPECT_THAT(refusal,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2 routine studies")));
  EXPECT_EQ(ErrorReasonOf(refusal), v1::TOO_MANY_STUDIES);
  admission_.CloseRoutine();
  EXPECT_THAT(admission_.OpenRoutine(), IsOk());
}

TEST_F(AdmissionTest, LeavesARoutineStudyOnePlaceHoweverManyAreKept) {
  limits_.set_places_kept_for_urgent_studies(7);
  EXPECT_THAT(admission_.OpenRoutine(), IsOk());
  EXPECT_FALSE(admission_.OpenRoutine().ok());
}

TEST_F(AdmissionTest, TellsToComeAgainWhenThingsHaveUsuallyMovedOn) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(admission_.OpenStudy(), IsOk());
  const absl::Duration at_first = RetryAfterOf(admission_.OpenStudy());
  for (int i = 0; i < 100; ++i) {
    admission_.StudyAnswered(absl::Seconds(30));
    admission_.CloseStudy();
    EXPECT_THAT(admission_.OpenStudy(), IsOk());
  }
  const absl::Duration later = RetryAfterOf(admission_.OpenStudy());
  EXPECT_GT(later, at_first);
  EXPECT_NEAR(absl::ToDoubleSeconds(later), 10, 0.1);  // 30 s, three of them
  // A study that was not answered says nothing about how long one takes.
  admission_.CloseStudy();
  EXPECT_THAT(admission_.OpenStudy(), IsOk());
  EXPECT_EQ(RetryAfterOf(admission_.OpenStudy()), later);
}

TEST_F(AdmissionTest, BeginsNoStudyWhenMemoryIsNearlySpent) {
  ASSERT_TRUE(budget_.Take(901));
  const absl::Status refusal = admission_.OpenStudy();
  EXPECT_THAT(refusal,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("bytes of studies")));
  EXPECT_EQ(ErrorReasonOf(refusal), v1::SERVER_FULL);
  EXPECT_GT(RetryAfterOf(refusal), absl::ZeroDuration());
  budget_.Give(1);
  EXPECT_THAT(admission_.OpenStudy(), IsOk());
}

TEST_F(AdmissionTest, CountsSlicesApart) {
  EXPECT_THAT(admission_.OpenSlice(), IsOk());
  EXPECT_THAT(admission_.OpenSlice(), IsOk());
  EXPECT_THAT(admission_.OpenSlice(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2 slices open")));
  EXPECT_THAT(admission_.OpenStudy(), IsOk());
  admission_.CloseSlice();
  EXPECT_THAT(admission_.OpenSlice(), IsOk());
}

TEST_F(AdmissionTest, IsIdleWhenAllHaveEnded) {
  ManualClock clock;
  EXPECT_TRUE(admission_.AwaitIdle(clock, clock.Now()));
  EXPECT_THAT(admission_.OpenStudy(), IsOk());
  EXPECT_THAT(admission_.OpenSlice(), IsOk());
  EXPECT_FALSE(admission_.AwaitIdle(clock, clock.Now()));
  admission_.CloseStudy();
  EXPECT_FALSE(admission_.AwaitIdle(clock, clock.Now()));
  admission_.CloseSlice();
  EXPECT_TRUE(admission_.AwaitIdle(clock, clock.Now()));
}

}  // namespace
}  // namespace m3lung
