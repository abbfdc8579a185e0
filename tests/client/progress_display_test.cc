// SPDX-License-Identifier: Apache-2.0
#include "client/progress_display.h"

#include <sstream>

#include "gmock/gmock.h"

namespace m3lung::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProgressDisplayTest, RedrawsOneLineOnATerminal) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kTerminal, 60);
  display.Show({.instances_sent = 5, .instances_total = 10});
  EXPECT_EQ(out.str(), "\r\x1b[KSending [####################....................] 5/10");
  out.str("");
  display.Show({.instances_sent = 10,
                .instances_total = 10,
                .slices_answered = 8,
                .slices_used = 8,
                .upload_ended = true});
  EXPECT_THAT(out.str(), HasSubstr("Scoring [####"));
  EXPECT_THAT(out.str(), HasSubstr("] 8/8"));
  EXPECT_THAT(out.str(), Not(HasSubstr(".")));
  out.str("");
  display.Close();
  EXPECT_EQ(out.str(), "\r\x1b[K");
}

TEST(ProgressDisplayTest, CountsAnswersThatComeDuringTheUpload) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kTerminal, 60);
  display.Show({.instances_sent = 5, .instances_total = 10, .slices_answered = 3});
  EXPECT_THAT(out.str(), HasSubstr("] 5/10, 3 answered"));
}

// Between the last instance's departure and the server's word on how many slices
// there are, nothing moves: the display must not look as if it were sending.
TEST(ProgressDisplayTest, SaysThatTheServerStillReads) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kTerminal, 60);
  display.Show({.instances_sent = 10, .instances_total = 10});
  EXPECT_EQ(out.str(), "\r\x1b[KSent [##################################] 10/10, being read");
}

TEST(ProgressDisplayTest, NeverFillsTheLastColumn) {
  for (int width = 1; width < 120; ++width) {
    std::ostringstream out;
    ProgressDisplay display(out, DisplayKind::kTerminal, width);
    display.Show({.instances_sent = 512, .instances_total = 1024, .slices_answered = 300});
    EXPECT_LT(static_cast<int>(out.str().size()) - 4, width);
  }
}

TEST(ProgressDisplayTest, DrawsNothingWhereNothingChanged) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kTerminal, 80);
  display.Show({.instances_sent = 5, .instances_total = 10});
  out.str("");
  display.Show({.instances_sent = 5, .instances_total = 10});
  EXPECT_EQ(out.str(), "");
}

TEST(ProgressDisplayTest, WritesALineAQuarterElsewhere) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kLines, 80);
  StudyStage stage{.instances_total = 100};
  for (; stage.instances_sent < 100; ++stage.instances_sent) display.Show(stage);
  display.Show(stage);
  stage.upload_ended = true;
  stage.slices_used = 40;
  for (; stage.slices_answered < 40; ++stage.slices_answered) display.Show(stage);
  display.Show(stage);
  display.Close();
  EXPECT_EQ(out.str(),
            "sent 25 of 100 instances\nsent 50 of 100 instances\nsent 75 of 100 instances\n"
            "sent 100 of 100 instances\nanswered 10 of 40 slices\nanswered 20 of 40 slices\n"
            "answered 30 of 40 slices\nanswered 40 of 40 slices\n");
}

TEST(ProgressDisplayTest, StandsAStudyWithoutSlices) {
  std::ostringstream out;
  ProgressDisplay display(out, DisplayKind::kTerminal, 40);
  display.Show({.instances_sent = 1, .instances_total = 1, .upload_ended = true});
  EXPECT_THAT(out.str(), HasSubstr("0/0"));
}

}  // namespace
}  // namespace m3lung::client
