// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/schedule.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

TEST(Schedule, FallsToATenthEverySoManyEpochs) {
  const Schedule schedule = {.initial = 0.01, .decay_every = 40};
  EXPECT_DOUBLE_EQ(schedule.At(0, 110), 0.01);
  EXPECT_DOUBLE_EQ(schedule.At(39.9, 110), 0.01);
  EXPECT_DOUBLE_EQ(schedule.At(40, 110), 0.001);
  EXPECT_DOUBLE_EQ(schedule.At(109.9, 110), 0.0001);
}

TEST(Schedule, FallsEvenlyToNothing) {
  const Schedule schedule = {.initial = 0.02, .kind = ScheduleKind::kLinear};
  EXPECT_DOUBLE_EQ(schedule.At(0, 10), 0.02);
  EXPECT_DOUBLE_EQ(schedule.At(5, 10), 0.01);
  EXPECT_DOUBLE_EQ(schedule.At(10, 10), 0);
}

TEST(Schedule, WarmsUpFromNothing) {
  const Schedule schedule = {.initial = 0.02, .kind = ScheduleKind::kLinear, .warm_up = 2};
  EXPECT_DOUBLE_EQ(schedule.At(0, 10), 0);
  EXPECT_DOUBLE_EQ(schedule.At(1, 10), 0.5 * 0.018);
  EXPECT_DOUBLE_EQ(schedule.At(2, 10), 0.016);
  EXPECT_DOUBLE_EQ(schedule.At(5, 10), 0.01);
}

TEST(Schedule, NamesAreReadBack) {
  EXPECT_EQ(ScheduleName(ScheduleKind::kStep), "step");
  EXPECT_EQ(ScheduleName(ScheduleKind::kLinear), "linear");
  for (const ScheduleKind kind : kScheduleKinds) {
    M3L_ASSERT_OK_AND_ASSIGN(const ScheduleKind read, ParseSchedule(ScheduleName(kind)));
    EXPECT_EQ(read, kind);
  }
  EXPECT_THAT(ParseSchedule("cosine"),
              testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                ::testing::AllOf(::testing::HasSubstr("step or linear"),
                                                 ::testing::HasSubstr("\"cosine\""))));
}

}  // namespace
}  // namespace m3lung
