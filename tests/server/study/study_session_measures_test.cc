// SPDX-License-Identifier: Apache-2.0
// What a session tells of a study's urgency and of where its time went.
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "server/study/study_session.h"
#include "tests/server/study/study_session_fixture.h"

namespace m3lung {
namespace {

using ::m3lung::testing::RecordingSink;
using ::m3lung::testing::StudySessionTest;
using ::testing::ElementsAre;

TEST_F(StudySessionTest, SlicesOfAnUrgentStudyComeBeforeThoseThatWait) {
  limits_.set_unanswered_slices(9);
  runner_->Hold(true);
  Begin();
  SendHeader();
  SendHu(1, 10);
  SendHu(2, 20);
  executor_.RunFirst();
  runner_->WaitForBatches(1);
  executor_.RunFirst();  // It waits behind the first.
  const std::shared_ptr<StudySession> routine = session_;

  RecordingSink sink;
  Begin(sink);
  v1::StudyHeader header;
  header.set_priority(v1::URGENT);
  SendHeader(header);
  SendHu(3, 10);
  executor_.RunFirst();
  runner_->Hold(false);
  sink_.WaitForSlices(2);
  sink.WaitForSlices(1);
  EXPECT_THAT(runner_->batches(), ElementsAre(ElementsAre(1), ElementsAre(3), ElementsAre(2)));
  routine->OnCancel();
  session_->OnCancel();
  model_->batcher->Stop();  // before the urgent study's sink dies
}

// Each look at it lasts as long as the test says: so that what is measured between two looks is
// known, and tells what it was measured in.
class LookedAtClock final : public Clock {
 public:
  absl::Time Now() const override {
    absl::MutexLock lock(&mu_);
    return now_ += look_;
  }
  bool AwaitUntil(absl::Mutex& mu, const absl::Condition& condition,
                  absl::Time /*deadline*/) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    mu.Await(condition);
    return true;
  }
  void LooksLast(absl::Duration look) {
    absl::MutexLock lock(&mu_);
    look_ = look;
  }

 private:
  mutable absl::Mutex mu_;
  mutable absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::UnixEpoch();
  absl::Duration look_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
};

// Seconds by stage, as the metrics sum them up.
double SecondsOf(ServerMetrics& metrics, const std::string& stage) {
  for (const auto& family : metrics.registry()->Collect()) {
    if (family.name != "m3lung_stage_duration_seconds") continue;
    for (const auto& metric : family.metric) {
      if (metric.label.front().value == stage) return metric.histogram.sample_sum;
    }
  }
  return 0;
}

class StudyTimesTest : public StudySessionTest {
 protected:
  void BeginAt(Clock& clock) {
    environments_.push_back(
        std::make_unique<SessionEnvironment>(SessionEnvironment{.models = models_,
                                                                .pool = executor_,
                                                                .answering = *answering_,
                                                                .metrics = metrics_,
                                                                .clock = clock,
                                                                .limits = limits_,
                                                                .admission = admission_,
                                                                .assemble = assembler_}));
    session_ = StudySession::Create(*environments_.back(), sink_, 1, deadline_);
    session_->Start();
  }
  v1::StageTimings Timings() {
    EXPECT_TRUE(sink_.WaitForEnd().ok());
    return sink_.sent().back().patient().timings();
  }
};

TEST_F(StudyTimesTest, DecodingAndCroppingOfOneSliceAreTimedApart) {
  LookedAtClock clock;
  BeginAt(clock);
  SendHeader();
  SendHu(1, 10);
  // A look before decoding, one between, one after cropping.
  clock.LooksLast(absl::Seconds(1));
  executor_.RunFirst();
  clock.LooksLast(absl::ZeroDuration());
  sink_.WaitForSlices(1);
  session_->OnHalfClose();
  executor_.RunFirst();
  executor_.RunFirst();
  const v1::StageTimings timings = Timings();
  EXPECT_EQ(timings.decode_ms(), 1000);
  EXPECT_EQ(timings.crop_ms(), 1000);
  EXPECT_EQ(timings.assemble_ms(), 0);
  EXPECT_EQ(SecondsOf(metrics_, "decode"), 1);
  EXPECT_EQ(SecondsOf(metrics_, "crop"), 1);
}

TEST_F(StudyTimesTest, EachStageOfAStudyInItsVolumeHasItsOwnTime) {
  LookedAtClock clock;
  BeginAt(clock);
  v1::StudyHeader header;
  header.set_crop_mode(v1::VOLUME);
  SendHeader(header);
  SendHu(1, 10);
  clock.LooksLast(absl::Milliseconds(1));
  executor_.RunFirst();  // Decoding.
  clock.LooksLast(absl::ZeroDuration());
  session_->OnHalfClose();
  clock.LooksLast(absl::Milliseconds(10));
  executor_.RunFirst();  // The assembler.
  clock.LooksLast(absl::Milliseconds(100));
  executor_.RunFirst();  // Cropping.
  clock.LooksLast(absl::ZeroDuration());
  sink_.WaitForSlices(1);
  clock.LooksLast(absl::Milliseconds(1000));
  executor_.RunFirst();  // The patient network.
  const v1::StageTimings timings = Timings();
  EXPECT_EQ(timings.decode_ms(), 1);
  EXPECT_EQ(timings.assemble_ms(), 10);
  EXPECT_EQ(timings.crop_ms(), 100);
  EXPECT_EQ(timings.patient_model_ms(), 1000);
  EXPECT_GE(timings.total_ms(), 1111);
  EXPECT_DOUBLE_EQ(SecondsOf(metrics_, "decode"), 0.001);
  EXPECT_DOUBLE_EQ(SecondsOf(metrics_, "assemble"), 0.01);
  EXPECT_DOUBLE_EQ(SecondsOf(metrics_, "crop"), 0.1);
  EXPECT_DOUBLE_EQ(SecondsOf(metrics_, "patient_model"), 1);
}

TEST_F(StudyTimesTest, TimesOfAllSlicesAreSummed) {
  limits_.set_unanswered_slices(9);
  // The batcher too goes by the test's clock.
  model_->batcher->Stop();
  model_->batcher =
      *SliceBatcher::Create({.max_wait = absl::ZeroDuration()}, {runner_}, clock_, {});
  LookedAtClock looked_at;
  BeginAt(looked_at);
  SendHeader();
  runner_->Hold(true);
  for (int i = 0; i < 3; ++i) SendHu(static_cast<int16_t>(i), 10 * i);
  looked_at.LooksLast(absl::Seconds(1));
  executor_.RunFirst();
  runner_->WaitForBatches(1);
  executor_.RunFirst();
  executor_.RunFirst();
  looked_at.LooksLast(absl::ZeroDuration());
  // The first is scored for 3 s, and the two behind it wait as long.
  clock_.Advance(absl::Seconds(3));
  runner_->Hold(false);
  sink_.WaitForSlices(3);
  session_->OnHalfClose();
  executor_.RunFirst();
  executor_.RunFirst();
  const v1::StageTimings timings = Timings();
  EXPECT_EQ(timings.decode_ms(), 3000);
  EXPECT_EQ(timings.crop_ms(), 3000);
  EXPECT_EQ(timings.queue_ms(), 6000);
  EXPECT_EQ(timings.slice_model_ms(), 3000);
  EXPECT_EQ(SecondsOf(metrics_, "decode"), 3);
  EXPECT_EQ(SecondsOf(metrics_, "queue"), 6);
  EXPECT_EQ(SecondsOf(metrics_, "slice_model"), 3);
}

}  // namespace
}  // namespace m3lung
