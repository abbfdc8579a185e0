// SPDX-License-Identifier: Apache-2.0
#include "training/progress.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/manual_clock.h"

namespace m3lung {
namespace {

using ::m3lung::testing::ManualClock;

TEST(ProgressTest, OffATerminalSaysALineNowAndThenWithTheTimeLeft) {
  ManualClock clock;
  std::ostringstream out;
  {
    Progress progress("prepare", "studies", 100, out, DisplayKind::kLines, clock);
    progress.Skip(40);
    for (int i = 0; i < 60; ++i) {
      clock.Advance(absl::Seconds(2));
      progress.Advance();
    }
  }
  // The first, one every half minute, and the last; what was skipped took no time.
  EXPECT_EQ(out.str(),
            "prepare 41/100 studies, 1m58s left\n"
            "prepare 56/100 studies, 1m28s left\n"
            "prepare 71/100 studies, 58s left\n"
            "prepare 86/100 studies, 28s left\n"
            "prepare 100/100 studies\n");
}

TEST(ProgressTest, OnATerminalRedrawsOneLine) {
  ManualClock clock;
  std::ostringstream out;
  {
    Progress progress("slice", "batches", 2, out, DisplayKind::kTerminal, clock);
    clock.Advance(absl::Seconds(10));
    progress.Advance(1, "loss 0.5");
    clock.Advance(absl::Seconds(10));
    progress.Advance(1, "loss 0.4");
  }
  EXPECT_EQ(out.str(),
            "\r\x1b[Kslice 1/2 batches, 10s left, loss 0.5"
            "\r\x1b[Kslice 2/2 batches, loss 0.4\n");
}

}  // namespace
}  // namespace m3lung
