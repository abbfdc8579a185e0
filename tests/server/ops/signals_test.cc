// SPDX-License-Identifier: Apache-2.0
#include "server/ops/signals.h"

#include <thread>

#include "gtest/gtest.h"

namespace m3lung {
namespace {

constexpr absl::Duration kLong = absl::Hours(1);

// Signals go to this thread alone: others of this program need not know them.
class SignalsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    while (signals_.Next(absl::ZeroDuration()) != 0) {
    }
  }

  const Signals signals_;
};

TEST_F(SignalsTest, GivesOneThatAsksToStopBeforeOthers) {
  raise(SIGHUP);
  signals_.Wake();
  EXPECT_FALSE(Signals::IsAskedToStop());
  raise(SIGTERM);
  EXPECT_TRUE(Signals::IsAskedToStop());
  EXPECT_EQ(signals_.Next(kLong), SIGTERM);
  EXPECT_FALSE(Signals::IsAskedToStop());
  raise(SIGINT);
  EXPECT_TRUE(Signals::IsAskedToStop());
  EXPECT_EQ(signals_.Next(kLong), SIGINT);
  EXPECT_EQ(signals_.Next(kLong), SIGHUP);
  EXPECT_EQ(signals_.Next(kLong), 0);  // woken
  EXPECT_EQ(signals_.Next(absl::ZeroDuration()), 0);
}

TEST_F(SignalsTest, OfWhichTwoAskToStop) {
  EXPECT_TRUE(Signals::AsksToStop(SIGTERM));
  EXPECT_TRUE(Signals::AsksToStop(SIGINT));
  EXPECT_FALSE(Signals::AsksToStop(SIGHUP));
  EXPECT_FALSE(Signals::AsksToStop(0));
}

TEST_F(SignalsTest, IsWokenByAnotherThread) {
  const std::jthread other([this] { signals_.Wake(); });
  EXPECT_EQ(signals_.Next(kLong), 0);
}

}  // namespace
}  // namespace m3lung
