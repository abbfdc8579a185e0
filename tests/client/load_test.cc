// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "absl/synchronization/mutex.h"
#include "client/load/load_run.h"
#include "client/load/load_statistics.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/testing/manual_clock.h"

namespace m3lung::client {
namespace {

using ::m3lung::testing::ManualClock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

LoadWindow Window(int slices) {
  return {.length = absl::Seconds(10), .studies = 1, .slices = slices};
}

TEST(LoadStatisticsTest, PercentilesAreNearestRanks) {
  std::vector<absl::Duration> values;
  for (int i = 200; i >= 1; --i) values.push_back(absl::Milliseconds(i));
  const Percentiles percentiles = PercentilesOf(values);
  EXPECT_EQ(percentiles.p50, absl::Milliseconds(100));
  EXPECT_EQ(percentiles.p95, absl::Milliseconds(190));
  EXPECT_EQ(percentiles.p99, absl::Milliseconds(198));
  EXPECT_EQ(PercentilesOf({absl::Seconds(3)}).p50, absl::Seconds(3));
  EXPECT_EQ(PercentilesOf({}).p99, absl::ZeroDuration());
}

TEST(LoadStatisticsTest, IsStableWhenThreeWindowsAgree) {
  EXPECT_FALSE(IsStable({Window(100), Window(100)}, 0.1));
  EXPECT_TRUE(IsStable({Window(100), Window(105), Window(95)}, 0.1));
  EXPECT_FALSE(IsStable({Window(100), Window(105), Window(60)}, 0.1));
  EXPECT_TRUE(IsStable({Window(10), Window(100), Window(105), Window(95)}, 0.1));
  EXPECT_FALSE(IsStable({Window(0), Window(0), Window(0)}, 0.1));
}

TEST(LoadStatisticsTest, SumsUpWhatWasAnsweredAndCountsWhatWasNot) {
  LoadedStudy good = {.first_result = absl::Milliseconds(20),
                      .study = absl::Milliseconds(300),
                      .slices = 30,
                      .status = {},
                      .timings = {}};
  good.timings.set_decode_ms(30);
  good.timings.set_slice_model_ms(90);
  LoadedStudy better = good;
  better.study = absl::Milliseconds(100);
  better.timings.set_decode_ms(10);
  const LoadedStudy refused = {.first_result = {},
                               .study = absl::Milliseconds(1),
                               .slices = 0,
                               .status = absl::ResourceExhaustedError("full"),
                               .timings = {}};
  const LoadSummary summary =
      Summarize({Window(40), Window(60)}, {good, better, refused}, /*stable=*/true);
  EXPECT_DOUBLE_EQ(summary.sum.SlicesPerSecond(), 5);
  EXPECT_DOUBLE_EQ(summary.sum.StudiesPerSecond(), 0.1);
  EXPECT_EQ(summary.study.p50, absl::Milliseconds(100));
  EXPECT_EQ(summary.study.p99, absl::Milliseconds(300));
  EXPECT_DOUBLE_EQ(summary.mean_timings.decode_ms(), 20);
  EXPECT_THAT(summary.failures, ElementsAre(Pair("RESOURCE_EXHAUSTED", 1)));
  EXPECT_EQ(summary.failure.p95, absl::Milliseconds(1));

  const std::string text = FormatLoad(summary);
  EXPECT_THAT(text, HasSubstr("Slices/s        5.00"));
  EXPECT_THAT(text, HasSubstr("Failed          1   RESOURCE_EXHAUSTED"));
  EXPECT_THAT(text, HasSubstr("slice_model         90 ms  81.8 %"));
  const auto json = nlohmann::json::parse(LoadToJson(summary));
  EXPECT_EQ(json["slices_per_second"], 5);
  EXPECT_EQ(json["study_ms"]["p99"], 300);
  EXPECT_EQ(json["failures"]["RESOURCE_EXHAUSTED"], 1);
}

// Studies that take as long as the test lets time pass.
class LoadRunTest : public ::testing::Test {
 protected:
  ManualClock clock_;
};

TEST_F(LoadRunTest, MeasuresAfterTheWarmUpUntilWindowsAgree) {
  // Each study moves the clock on by a second and has ten slices: one sender, ten
  // studies a window, the same in each.
  const StudySender send = [&](int, std::atomic<int>& slices) {
    slices += 10;
    clock_.Advance(absl::Seconds(1));
    return LoadedStudy{.first_result = absl::Milliseconds(500),
                       .study = absl::Seconds(1),
                       .slices = 10,
                       .status = {},
                       .timings = {}};
  };
  int warm_ups = 0, windows = 0;
  const LoadSummary summary =
      RunLoad({.concurrency = 1, .window = absl::Seconds(1000)}, send, clock_,
              [&](const LoadWindow&, bool warms_up) { ++(warms_up ? warm_ups : windows); });
  EXPECT_EQ(warm_ups, 1);
  EXPECT_EQ(windows, 3);
  EXPECT_TRUE(summary.stable);
  EXPECT_NEAR(summary.sum.SlicesPerSecond(), 10, 0.5);
  EXPECT_EQ(summary.study.p50, absl::Seconds(1));
}

TEST_F(LoadRunTest, ALateStudyCountsFromWhenItWasDue) {
  // Two a second are due and each takes a second: the longer it runs, the later.
  const StudySender send = [&](int, std::atomic<int>& slices) {
    ++slices;
    clock_.Advance(absl::Seconds(1));
    return LoadedStudy{.first_result = absl::Seconds(1),
                       .study = absl::Seconds(1),
                       .slices = 1,
                       .status = {},
                       .timings = {}};
  };
  const LoadSummary summary =
      RunLoad({.concurrency = 1, .studies_per_second = 2, .window = absl::Seconds(100)}, send,
              clock_, [](const LoadWindow&, bool) {});
  EXPECT_GT(summary.study.p50, absl::Seconds(50));
}

}  // namespace
}  // namespace m3lung::client
