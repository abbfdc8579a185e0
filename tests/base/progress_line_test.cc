// SPDX-License-Identifier: Apache-2.0
#include "base/progress_line.h"

#include <sstream>

#include "gtest/gtest.h"

namespace m3lung {
namespace {

TEST(ProgressLineTest, OnATerminalOneLineIsRedrawnWhereItChanges) {
  std::ostringstream out;
  ProgressLine line(out, DisplayKind::kTerminal);
  line.Show("1/2");
  line.Show("1/2");
  EXPECT_EQ(out.str(), "\r\x1b[K1/2");
  line.Show("2/2");
  EXPECT_EQ(out.str(), "\r\x1b[K1/2\r\x1b[K2/2");
}

TEST(ProgressLineTest, ItIsTakenAwayOrLeftOnce) {
  std::ostringstream out;
  ProgressLine line(out, DisplayKind::kTerminal);
  line.Clear();
  line.End();
  EXPECT_EQ(out.str(), "");
  line.Show("a");
  line.End();
  line.End();
  line.Show("a");  // below what was left
  line.Clear();
  line.Clear();
  EXPECT_EQ(out.str(), "\r\x1b[Ka\n\r\x1b[Ka\r\x1b[K");
}

TEST(ProgressLineTest, ElsewhereEachIsALine) {
  std::ostringstream out;
  ProgressLine line(out, DisplayKind::kLines);
  line.Show("a");
  line.Show("a");
  line.Clear();
  line.End();
  EXPECT_EQ(out.str(), "a\na\n");
}

}  // namespace
}  // namespace m3lung
