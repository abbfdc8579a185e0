// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace {

std::atomic<int64_t> wall_seconds_ahead = 0;

}  // namespace

// Stands before the C library's, in this program alone: somebody sets the wall clock.
extern "C" int clock_gettime(clockid_t id, struct timespec* time) noexcept {
  const int result = static_cast<int>(syscall(SYS_clock_gettime, id, time));
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += wall_seconds_ahead.load();
  }
  return result;
}

namespace m3lung {
namespace {

class ClockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::Time before = absl::Now();
    SetWallAhead(absl::Hours(5));
    ASSERT_GE(absl::Now() - before, absl::Hours(4)) << "the wall clock cannot be set here";
    SetWallAhead(absl::ZeroDuration());
  }
  void TearDown() override { SetWallAhead(absl::ZeroDuration()); }

  static void SetWallAhead(absl::Duration by) { wall_seconds_ahead = absl::ToInt64Seconds(by); }

  Clock& clock_ = Clock::Real();
};

TEST_F(ClockTest, GoesOnEvenlyWhenTheWallClockIsSet) {
  for (const absl::Duration step : {absl::Hours(2), -absl::Hours(2)}) {
    const absl::Time before = clock_.Now();
    SetWallAhead(step);
    const absl::Duration passed = clock_.Now() - before;
    EXPECT_GE(passed, absl::ZeroDuration());
    EXPECT_LT(passed, absl::Hours(1));
  }
}

// The wall clock is behind what the kernel takes it for, so that a wait for a time on it is over
// at once.
TEST_F(ClockTest, WaitsByItselfAndNotByTheWallClock) {
  SetWallAhead(-absl::Hours(2));
  absl::Mutex mu;
  absl::MutexLock lock(&mu);
  const bool never = false;
  const absl::Time deadline = clock_.Now() + absl::Milliseconds(20);
  EXPECT_FALSE(clock_.AwaitUntil(mu, absl::Condition(&never), deadline));
  EXPECT_GE(clock_.Now(), deadline);
}

TEST_F(ClockTest, WaitsNoLongerWhereTheWallClockIsAhead) {
  SetWallAhead(absl::Hours(2));
  absl::Mutex mu;
  absl::MutexLock lock(&mu);
  const bool never = false;
  const absl::Time before = clock_.Now();
  EXPECT_FALSE(clock_.AwaitUntil(mu, absl::Condition(&never), before + absl::Milliseconds(20)));
  EXPECT_LT(clock_.Now() - before, absl::Hours(1));
}

TEST_F(ClockTest, StopsWaitingWhenTheConditionHolds) {
  absl::Mutex mu;
  bool met = false;
  std::jthread other;
  absl::MutexLock lock(&mu);
  other = std::jthread([&] {
    absl::MutexLock theirs(&mu);
    met = true;
  });
  for (const absl::Time deadline : {clock_.Now() + absl::Hours(1), absl::InfiniteFuture()}) {
    EXPECT_TRUE(clock_.AwaitUntil(mu, absl::Condition(&met), deadline));
  }
  EXPECT_TRUE(clock_.AwaitUntil(mu, absl::Condition(&met), absl::InfinitePast()));
  met = false;
  EXPECT_FALSE(clock_.AwaitUntil(mu, absl::Condition(&met), absl::InfinitePast()));
}

TEST_F(ClockTest, WakesEachOfManyThatWait) {
  std::vector<std::jthread> threads;
  absl::Mutex shared;
  std::atomic<int> woken = 0;
  constexpr int kThreads = 8, kWaits = 50;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kWaits; ++i) {
        absl::Mutex own;  // gone right after the wait
        absl::Mutex& mu = thread % 2 == 0 ? own : shared;
        absl::MutexLock lock(&mu);
        const bool never = false;
        const absl::Time deadline = clock_.Now() + absl::Microseconds(100 * (thread + i % 7));
        if (!clock_.AwaitUntil(mu, absl::Condition(&never), deadline) && clock_.Now() >= deadline) {
          ++woken;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(woken, kThreads * kWaits);
}

TEST_F(ClockTest, KnowsWhenTheWallClockWillShowATime) {
  using std::chrono::system_clock;
  EXPECT_EQ(clock_.WhenWallShows(system_clock::time_point::max()), absl::InfiniteFuture());
  SetWallAhead(absl::Hours(5));
  const absl::Time deadline =
      clock_.WhenWallShows(absl::ToChronoTime(absl::Now() + absl::Hours(2)));
  SetWallAhead(absl::Hours(9));  // too late to matter
  const absl::Duration left = deadline - clock_.Now();
  EXPECT_LE(left, absl::Hours(2));
  EXPECT_GT(left, absl::Hours(1));
}

}  // namespace
}  // namespace m3lung
