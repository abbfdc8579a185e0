// SPDX-License-Identifier: Apache-2.0
#include "model/engine/batch_threads.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

using ::testing::AllOf;
using ::testing::Field;

auto Are(int batches, int threads) {
  return AllOf(Field("batches", &BatchThreads::batches, batches),
               Field("threads", &BatchThreads::threads, threads));
}

TEST(BatchThreadsTest, EachBatchGetsItsThreads) {
  EXPECT_THAT(DivideProcessors(2, 1), Are(2, 1));
  EXPECT_THAT(DivideProcessors(16, 4), Are(4, 4));
}

TEST(BatchThreadsTest, WhatIsLeftOverIsDivided) {
  EXPECT_THAT(DivideProcessors(7, 3), Are(2, 3));
  EXPECT_THAT(DivideProcessors(5, 3), Are(1, 5));
}

TEST(BatchThreadsTest, ThereIsOneBatchAtLeastAndNoThreadTooMany) {
  EXPECT_THAT(DivideProcessors(1, 1), Are(1, 1));
  EXPECT_THAT(DivideProcessors(2, 100), Are(1, 2));
}

TEST(BatchThreadsTest, AQuickSliceGetsOneThread) {
  EXPECT_EQ(ThreadsForSlice(absl::Nanoseconds(1)), 1);
  EXPECT_EQ(ThreadsForSlice(absl::ZeroDuration()), 1);
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(250)), 1);
}

TEST(BatchThreadsTest, ASlowOneGetsAsManyAsAQuarterOfASecondTakes) {
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(251)), 2);
  EXPECT_EQ(ThreadsForSlice(absl::Milliseconds(820)), 4);
  EXPECT_THAT(DivideProcessors(2, ThreadsForSlice(absl::InfiniteDuration())), Are(1, 2));
}

}  // namespace
}  // namespace m3lung
