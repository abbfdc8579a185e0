// SPDX-License-Identifier: Apache-2.0
#include "server/ops/model_loader.h"

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::ManualClock;
using ::m3lung::testing::StatusIs;

class ModelLoaderTest : public ::testing::Test {
 protected:
  // Until Cancel(), where it looks at the token.
  static absl::Status LoadUntilAsked(const std::stop_token& stop) {
    absl::Notification asked;
    const std::stop_callback callback(stop, [&] { asked.Notify(); });
    asked.WaitForNotification();
    return absl::CancelledError("asked");
  }

  ManualClock clock_;
};

TEST_F(ModelLoaderTest, TellsOnceWhatEachRunReturned) {
  int runs = 0;
  ModelLoader loader(
      [&](const std::stop_token&) {
        return ++runs == 1 ? absl::NotFoundError("none") : absl::OkStatus();
      },
      [] {});
  EXPECT_EQ(loader.TakeOutcome(), std::nullopt);
  EXPECT_TRUE(loader.AwaitEnd(clock_, clock_.Now()));
  loader.Begin();
  EXPECT_TRUE(loader.AwaitEnd(clock_, absl::InfiniteFuture()));
  EXPECT_THAT(loader.TakeOutcome().value(), StatusIs(absl::StatusCode::kNotFound, "none"));
  EXPECT_EQ(loader.TakeOutcome(), std::nullopt);
  loader.Begin();
  EXPECT_TRUE(loader.AwaitEnd(clock_, absl::InfiniteFuture()));
  EXPECT_THAT(loader.TakeOutcome().value(), IsOk());
  EXPECT_EQ(runs, 2);
}

TEST_F(ModelLoaderTest, SaysThatARunHasEnded) {
  absl::Notification ended;
  ModelLoader loader([](const std::stop_token&) { return absl::OkStatus(); },
                     [&] { ended.Notify(); });
  loader.Begin();
  ended.WaitForNotification();
  EXPECT_TRUE(loader.TakeOutcome().has_value());
}

TEST_F(ModelLoaderTest, AsksARunToStop) {
  absl::Notification begun;
  ModelLoader loader(
      [&](const std::stop_token& stop) {
        begun.Notify();
        return LoadUntilAsked(stop);
      },
      [] {});
  loader.Begin();
  begun.WaitForNotification();
  EXPECT_FALSE(loader.AwaitEnd(clock_, clock_.Now()));
  EXPECT_EQ(loader.TakeOutcome(), std::nullopt);
  loader.Cancel();
  EXPECT_TRUE(loader.AwaitEnd(clock_, absl::InfiniteFuture()));
  EXPECT_THAT(loader.TakeOutcome().value(), StatusIs(absl::StatusCode::kCancelled, "asked"));
}

TEST_F(ModelLoaderTest, RunsNothingOnceAskedToStop) {
  bool ran = false;
  ModelLoader loader(
      [&](const std::stop_token&) {
        ran = true;
        return absl::OkStatus();
      },
      [] {});
  loader.Cancel();
  loader.Begin();
  EXPECT_TRUE(loader.AwaitEnd(clock_, absl::InfiniteFuture()));
  EXPECT_THAT(loader.TakeOutcome().value(), StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_FALSE(ran);
}

TEST_F(ModelLoaderTest, DiesWithARunThatIsAskedToStop) {
  ModelLoader loader(LoadUntilAsked, [] {});
  loader.Begin();
}

}  // namespace
}  // namespace m3lung
