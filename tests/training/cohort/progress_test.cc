#include "training/cohort/progress.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/manual_clock.h"

namespace m3lung {
namespace {

using ::testing::EndsWith;

TEST(ProgressTest, EstimatesFromWhatThisRunDid) {
  testing::ManualClock clock;
  std::ostringstream out;
  Progress progress("studies", 8, 4, /*on_terminal=*/true, out, clock);
  clock.Advance(absl::Seconds(10));
  progress.Advance();
  EXPECT_THAT(out.str(), EndsWith("5 of 8 studies, about 30s left"));
  clock.Advance(absl::Seconds(30));
  progress.Advance();
  EXPECT_THAT(out.str(), EndsWith("6 of 8 studies, about 40s left"));
  progress.Advance();
  progress.Advance();
  EXPECT_THAT(out.str(), EndsWith("8 of 8 studies"));
  progress.Close();
  EXPECT_THAT(out.str(), EndsWith("studies\n"));
}

TEST(ProgressTest, WritesFewLinesElsewhere) {
  testing::ManualClock clock;
  std::ostringstream out;
  Progress progress("studies", 200, 0, /*on_terminal=*/false, out, clock);
  for (int i = 0; i < 200; ++i) {
    clock.Advance(absl::Seconds(6));
    progress.Advance();
  }
  progress.Close();
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 11);
  EXPECT_THAT(text, ::testing::StartsWith("1 of 200 studies, about 20m left\n"
                                          "20 of 200 studies, about 18m left\n"));
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

}  // namespace
}  // namespace m3lung
