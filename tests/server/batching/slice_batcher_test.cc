// SPDX-License-Identifier: Apache-2.0
#include "server/batching/slice_batcher.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "tests/testing/fake_runner.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeRunner;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::ManualClock;
using ::m3lung::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kMaxWait = absl::Milliseconds(5);

class SliceBatcherTest : public ::testing::Test {
 protected:
  void Make(const std::vector<int>& sizes, int urgent_in_a_row = 8) {
    BatcherOptions options = {
        .sizes = {}, .max_wait = kMaxWait, .urgent_in_a_row = urgent_in_a_row};
    for (const int size : sizes) options.sizes.push_back({.slices = size});
    BatcherEvents events;
    events.batch_run = [this](const BatchReport& report) {
      absl::MutexLock lock(&mu_);
      reports_.push_back(report);
    };
    events.device_failed = [this](const absl::Status& failure) {
      absl::MutexLock lock(&mu_);
      device_failures_.push_back(failure);
    };
    auto made = SliceBatcher::Create(std::move(options), {&runner_}, clock_, std::move(events));
    ASSERT_TRUE(made.ok()) << made.status();
    batcher_ = *std::move(made);
    largest_ = sizes.back();
  }

  SliceTask Task(uint64_t study, int16_t pixel, bool urgent = false) {
    SliceTask task;
    task.study = study;
    task.urgent = urgent;
    task.hu = {pixel};
    task.deadline = deadline_;
    task.cancellation = cancellations_[study];
    task.done = [this, pixel](absl::StatusOr<SliceScores> scores, SliceCost) {
      absl::MutexLock lock(&mu_);
      if (scores.ok()) {
        EXPECT_EQ(scores->features.front(), pixel);
      }
      answers_[pixel] = scores.status();
    };
    return task;
  }

  // Begins a batch of its own that does not end, so that what follows must queue.
  void OccupyModel() {
    runner_.Hold(true);
    ASSERT_THAT(batcher_->Submit(Task(/*study=*/99, /*pixel=*/99)), IsOk());
    if (largest_ > 1) {
      clock_.WaitForAWaiter();
      clock_.Advance(kMaxWait);
    }
    runner_.WaitForBatches(1);
  }

  absl::Status WaitForAnswer(int pixel) {
    absl::MutexLock lock(&mu_);
    const auto answered = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answers_.contains(pixel); };
    mu_.Await(absl::Condition(&answered));
    return answers_[pixel];
  }

  ManualClock clock_;
  FakeRunner runner_;
  int largest_ = 0;  // size of batch
  std::map<uint64_t, std::shared_ptr<Cancellation>> cancellations_;
  absl::Mutex mu_;
  std::map<int, absl::Status> answers_ ABSL_GUARDED_BY(mu_);
  std::vector<BatchReport> reports_ ABSL_GUARDED_BY(mu_);
  std::vector<absl::Status> device_failures_ ABSL_GUARDED_BY(mu_);
  absl::Time deadline_ = absl::InfiniteFuture();  // of the next tasks
  std::unique_ptr<SliceBatcher> batcher_;
};

TEST_F(SliceBatcherTest, RunsAFullBatchWithoutWaiting) {
  Make({2});
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  EXPECT_TRUE(WaitForAnswer(10).ok());
  EXPECT_TRUE(WaitForAnswer(11).ok());
  EXPECT_THAT(runner_.batches(), ElementsAre(ElementsAre(10, 11)));
}

TEST_F(SliceBatcherTest, ClosesAPartialBatchWhenItsOldestSliceHasWaitedMaxWait) {
  Make({4});
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  clock_.WaitForAWaiter();
  clock_.Advance(kMaxWait - absl::Nanoseconds(1));
  EXPECT_EQ(batcher_->queued(), 1);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_TRUE(WaitForAnswer(10).ok());
}

TEST_F(SliceBatcherTest, FillsABatchUpToTheNextSizeAndReportsIt) {
  Make({1, 4});
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 11)), IsOk());
  clock_.WaitForAWaiter();
  clock_.Advance(kMaxWait);
  EXPECT_TRUE(WaitForAnswer(11).ok());
  EXPECT_THAT(runner_.batches(), ElementsAre(ElementsAre(10, 11, 10, 10)));
  absl::MutexLock lock(&mu_);
  ASSERT_EQ(reports_.size(), 1);
  EXPECT_EQ(reports_[0].slices, 2);
  EXPECT_EQ(reports_[0].filled, 2);
  EXPECT_EQ(reports_[0].studies, 2);
}

TEST_F(SliceBatcherTest, StudiesTakeTurnsSoThatALongOneDoesNotKeepAShortOneWaiting) {
  Make({1, 2});
  OccupyModel();
  for (int16_t pixel = 10; pixel < 14; ++pixel)
    ASSERT_THAT(batcher_->Submit(Task(1, pixel)), IsOk());
  for (int16_t pixel = 20; pixel < 22; ++pixel)
    ASSERT_THAT(batcher_->Submit(Task(2, pixel)), IsOk());
  runner_.Hold(false);
  EXPECT_TRUE(WaitForAnswer(13).ok());
  EXPECT_THAT(runner_.batches(), ElementsAre(ElementsAre(99), ElementsAre(10, 20),
                                             ElementsAre(11, 21), ElementsAre(12, 13)));
}

TEST_F(SliceBatcherTest, UrgentSlicesComeFirst) {
  Make({1, 2});
  OccupyModel();
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 20, /*urgent=*/true)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 21, /*urgent=*/true)), IsOk());
  runner_.Hold(false);
  EXPECT_TRUE(WaitForAnswer(11).ok());
  EXPECT_THAT(runner_.batches(),
              ElementsAre(ElementsAre(99), ElementsAre(20, 21), ElementsAre(10, 11)));
}

TEST_F(SliceBatcherTest, UrgentSlicesDoNotKeepOthersWaitingForEver) {
  Make({1}, /*urgent_in_a_row=*/2);
  OccupyModel();
  for (int16_t pixel = 20; pixel < 25; ++pixel)
    ASSERT_THAT(batcher_->Submit(Task(2, pixel, /*urgent=*/true)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  runner_.Hold(false);
  EXPECT_TRUE(WaitForAnswer(24).ok());
  EXPECT_THAT(runner_.batches(),
              ElementsAre(ElementsAre(99), ElementsAre(20), ElementsAre(21), ElementsAre(10),
                          ElementsAre(22), ElementsAre(23), ElementsAre(11), ElementsAre(24)));
}

TEST_F(SliceBatcherTest, NeverRunsASliceWhoseDeadlineHasCome) {
  Make({1});
  OccupyModel();
  deadline_ = clock_.Now() + absl::Seconds(1);
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  deadline_ = clock_.Now() + absl::Seconds(2);
  ASSERT_THAT(batcher_->Submit(Task(2, 20)), IsOk());
  clock_.Advance(absl::Seconds(1));
  runner_.Hold(false);
  EXPECT_TRUE(WaitForAnswer(20).ok());
  EXPECT_THAT(WaitForAnswer(10),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("deadline")));
  EXPECT_THAT(runner_.batches(), ElementsAre(ElementsAre(99), ElementsAre(20)));
}

TEST_F(SliceBatcherTest, TellsAFailedDeviceFromAFailedNetwork) {
  Make({1});
  runner_.FailWith(absl::InternalError("broken"));
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  EXPECT_THAT(WaitForAnswer(10), StatusIs(absl::StatusCode::kInternal, "broken"));
  {
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(device_failures_.empty());
  }
  runner_.FailDevice(absl::UnavailableError("fell off the bus"));
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  EXPECT_THAT(WaitForAnswer(11), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("device")));
  absl::MutexLock lock(&mu_);
  ASSERT_EQ(device_failures_.size(), 1);
  EXPECT_EQ(device_failures_[0].message(), "fell off the bus");
}

TEST_F(SliceBatcherTest, SeveralRunnersShareTheQueue) {
  FakeRunner other;
  auto made =
      SliceBatcher::Create({.max_wait = absl::ZeroDuration()}, {&runner_, &other}, clock_, {});
  ASSERT_TRUE(made.ok()) << made.status();
  batcher_ = *std::move(made);
  runner_.Hold(true);
  other.Hold(true);
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  runner_.WaitForBatches(1);  // Both at once, since neither has ended.
  other.WaitForBatches(1);
  runner_.Hold(false);
  other.Hold(false);
  EXPECT_TRUE(WaitForAnswer(10).ok());
  EXPECT_TRUE(WaitForAnswer(11).ok());
  batcher_.reset();  // `other` dies before the fixture
}

TEST_F(SliceBatcherTest, NeverRunsASliceWhoseStudyWasGivenUp) {
  Make({1, 2});
  cancellations_[1] = std::make_shared<Cancellation>();
  OccupyModel();
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(1, 11)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 20)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 21)), IsOk());
  cancellations_[1]->Cancel();
  runner_.Hold(false);
  EXPECT_TRUE(WaitForAnswer(21).ok());
  EXPECT_THAT(WaitForAnswer(10), StatusIs(absl::StatusCode::kCancelled, HasSubstr("given up")));
  EXPECT_THAT(WaitForAnswer(11), StatusIs(absl::StatusCode::kCancelled, HasSubstr("given up")));
  EXPECT_THAT(runner_.batches(), ElementsAre(ElementsAre(99), ElementsAre(20, 21)));
  EXPECT_EQ(batcher_->queued(), 0);
}

TEST_F(SliceBatcherTest, GivesTheModelsErrorToEverySliceOfTheBatch) {
  Make({2});
  runner_.FailWith(absl::InternalError("broken"));
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task(2, 20)), IsOk());
  EXPECT_THAT(WaitForAnswer(10), StatusIs(absl::StatusCode::kInternal, "broken"));
  EXPECT_THAT(WaitForAnswer(20), StatusIs(absl::StatusCode::kInternal, "broken"));
}

TEST_F(SliceBatcherTest, AnswersWhatStillWaitsWhenItStopsAndTakesNoMore) {
  Make({4});
  ASSERT_THAT(batcher_->Submit(Task(1, 10)), IsOk());
  batcher_->Stop();
  EXPECT_THAT(WaitForAnswer(10), StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopping")));
  EXPECT_THAT(batcher_->Submit(Task(1, 11)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
}

TEST_F(SliceBatcherTest, RefusesOptionsThatMakeNoSense) {
  const auto create = [&](BatcherOptions options) {
    return SliceBatcher::Create(std::move(options), {&runner_}, clock_, {}).status();
  };
  EXPECT_THAT(create({.sizes = {}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("none given")));
  EXPECT_THAT(create({.max_wait = -kMaxWait}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-5ms")));
  EXPECT_THAT(create({.urgent_in_a_row = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("were 0")));
}

}  // namespace
}  // namespace m3lung
