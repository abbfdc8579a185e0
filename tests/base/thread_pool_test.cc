// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <atomic>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

TEST(ThreadPoolTest, RunsAllThatWasQueuedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool(3);
    for (int i = 0; i < 100; ++i) pool.Run([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(ThreadPoolTest, RunsAsManyAtOnceAsItHasThreads) {
  // Each of the two waits for the other: on one thread they would never end.
  absl::Notification first, second;
  ThreadPool pool(2);
  pool.Run([&] {
    first.Notify();
    second.WaitForNotification();
  });
  pool.Run([&] {
    first.WaitForNotification();
    second.Notify();
  });
  second.WaitForNotification();
}

}  // namespace
}  // namespace m3lung
