// SPDX-License-Identifier: Apache-2.0
#include "model/engine/warm_up.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_runner.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/stopping_runner.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeRunner;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::StoppingRunner;
using ::testing::Each;
using ::testing::SizeIs;

// A batch that was left out would pay at its first slice.
TEST(WarmUpTest, RunsAsManyBatchesAtOnceAsTheRunnerTakes) {
  FakeRunner one(/*input_size=*/4, /*concurrent_batches=*/1);
  FakeRunner three(/*input_size=*/4, /*concurrent_batches=*/3);
  M3L_ASSERT_OK_AND_ASSIGN(const auto durations, WarmUp(one, {2}));
  EXPECT_THAT(durations, SizeIs(1));
  M3L_ASSERT_OK_AND_ASSIGN(const auto again, WarmUp(three, {2}));
  EXPECT_THAT(again, SizeIs(1));
  EXPECT_THAT(three.batches(), SizeIs(3 * one.batches().size()));
  EXPECT_THAT(three.batches(), Each(SizeIs(2)));
}

TEST(WarmUpTest, SaysWhatOneOfThemSays) {
  FakeRunner runner(/*input_size=*/4, /*concurrent_batches=*/2);
  runner.FailWith(absl::InternalError("the network fails"));
  EXPECT_THAT(WarmUp(runner, {1}).status(),
              StatusIs(absl::StatusCode::kInternal, ::testing::HasSubstr("the network fails")));
}

TEST(WarmUpTest, StopsBetweenTwoRuns) {
  StoppingRunner runner(/*batches=*/2);
  EXPECT_THAT(WarmUp(runner, {1, 2}, runner.token()).status(),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_EQ(runner.batches_run(), 2U);
}

}  // namespace
}  // namespace m3lung
