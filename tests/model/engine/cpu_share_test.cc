// SPDX-License-Identifier: Apache-2.0
#include "model/engine/cpu_share.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::Field;

auto IsShare(int lanes, int threads) {
  return AllOf(Field("lanes", &CpuShare::lanes, lanes),
               Field("threads", &CpuShare::threads, threads));
}

TEST(CpuShareTest, EachLaneGetsItsThreads) {
  EXPECT_THAT(DivideProcessors(2, 1), IsShare(2, 1));
  EXPECT_THAT(DivideProcessors(16, 4), IsShare(4, 4));
}

TEST(CpuShareTest, WhatIsLeftOverMakesLanesWider) {
  EXPECT_THAT(DivideProcessors(7, 3), IsShare(2, 3));
  EXPECT_THAT(DivideProcessors(5, 3), IsShare(1, 5));
}

TEST(CpuShareTest, ThereIsOneLaneAtLeastAndNoThreadTooMany) {
  EXPECT_THAT(DivideProcessors(1, 1), IsShare(1, 1));
  EXPECT_THAT(DivideProcessors(2, 100), IsShare(1, 2));
}

TEST(CpuShareTest, AQuickSliceGetsOneThread) {
  EXPECT_EQ(ThreadsForSlice(absl::Nanoseconds(1)), 1);
  EXPECT_EQ(ThreadsForSlice(absl::ZeroDuration()), 1);
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(250)), 1);
}

TEST(CpuShareTest, ASlowOneGetsAsManyAsAQuarterOfASecondTakes) {
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(251)), 2);
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(820)), 4);
  EXPECT_THAT(DivideProcessors(2, ThreadsForSlice(absl::InfiniteDuration())), IsShare(1, 2));
}

}  // namespace
}  // namespace m3lung
