// SPDX-License-Identifier: Apache-2.0
#include "server/ops/metrics.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;

// "name{label,...}" of everything that the registry shows.
std::set<std::string> Catalogue(ServerMetrics& metrics) {
  std::set<std::string> names;
  for (const auto& family : metrics.registry()->Collect()) {
    for (const auto& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label) labels += (labels.empty() ? "" : ",") + label.name;
      names.insert(family.name + "{" + labels + "}");
    }
  }
  return names;
}

// Dashboards and alerts name these: a change here breaks them.
TEST(ServerMetricsTest, NamesAndLabelsAreTheContract) {
  ServerMetrics metrics;
  metrics.StudyAnswered("OK", absl::Seconds(1));
  metrics.InstanceEnded("USED");
  metrics.SliceScored("HEALTHY");
  metrics.StageTook(Stage::kDecode, absl::Milliseconds(4));
  metrics.SetModels({{"name", "1", "digest", "cpu"}});
  metrics.ModelsReloaded(true);
  metrics.CallEnded("GetModel", "OK", absl::Milliseconds(1));
  EXPECT_THAT(
      Catalogue(metrics),
      ElementsAre("m3lung_batch_filled_slices_total{}", "m3lung_batch_slices{}",
                  "m3lung_batch_studies{}", "m3lung_call_duration_seconds{method}",
                  "m3lung_calls_total{code,method}", "m3lung_first_result_seconds{}",
                  "m3lung_instances_total{outcome}",
                  "m3lung_model_info{device,digest,name,version}",
                  "m3lung_model_reloads_total{outcome}", "m3lung_open_studies{}", "m3lung_ready{}",
                  "m3lung_received_bytes_total{}", "m3lung_slices_in_vain_total{}",
                  "m3lung_slices_scored_total{label}", "m3lung_stage_duration_seconds{stage}",
                  "m3lung_studies_total{outcome}", "m3lung_study_bytes_budget{}",
                  "m3lung_study_bytes{}", "m3lung_study_duration_seconds{}"));
}

TEST(ServerMetricsTest, LatencyIsThatOfStudiesThatWereAnswered) {
  ServerMetrics metrics;
  metrics.StudyAnswered("OK", absl::Seconds(40));
  for (int i = 0; i < 9; ++i) metrics.StudyFailed("RESOURCE_EXHAUSTED");
  double refused = 0;
  uint64_t durations = 0;
  for (const auto& family : metrics.registry()->Collect()) {
    for (const auto& metric : family.metric) {
      if (family.name == "m3lung_study_duration_seconds")
        durations += metric.histogram.sample_count;
      if (family.name == "m3lung_studies_total" &&
          metric.label.front().value == "RESOURCE_EXHAUSTED") {
        refused += metric.counter.value;
      }
    }
  }
  EXPECT_EQ(refused, 9);
  EXPECT_EQ(durations, 1);
}

// The value of the sample with this name and this label's value ("" where it has none).
double Value(ServerMetrics& metrics, const std::string& name, const std::string& label = "") {
  for (const auto& family : metrics.registry()->Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      if (!label.empty() && metric.label.front().value != label) continue;
      return metric.counter.value + metric.gauge.value + metric.histogram.sample_sum;
    }
  }
  ADD_FAILURE() << "no sample " << name << " " << label;
  return 0;
}

TEST(ServerMetricsTest, EachEventCountsWhatItIsCalled) {
  ServerMetrics metrics;
  metrics.BatchRun(/*slices=*/5, /*filled=*/3, /*studies=*/2);
  EXPECT_EQ(Value(metrics, "m3lung_batch_slices"), 5);
  EXPECT_EQ(Value(metrics, "m3lung_batch_filled_slices_total"), 3);
  EXPECT_EQ(Value(metrics, "m3lung_batch_studies"), 2);
  metrics.BatchRun(4, 0, 1);
  EXPECT_EQ(Value(metrics, "m3lung_batch_slices"), 9);
  EXPECT_EQ(Value(metrics, "m3lung_batch_filled_slices_total"), 3);
  EXPECT_EQ(Value(metrics, "m3lung_batch_studies"), 3);
  metrics.StudyOpened();
  metrics.StudyOpened();
  metrics.StudyClosed();
  EXPECT_EQ(Value(metrics, "m3lung_open_studies"), 1);
  metrics.BytesReceived(7);
  EXPECT_EQ(Value(metrics, "m3lung_received_bytes_total"), 7);
  metrics.SliceInVain();
  EXPECT_EQ(Value(metrics, "m3lung_slices_in_vain_total"), 1);
  metrics.SetStudyBytes(11);
  metrics.SetStudyBytesBudget(13);
  EXPECT_EQ(Value(metrics, "m3lung_study_bytes"), 11);
  EXPECT_EQ(Value(metrics, "m3lung_study_bytes_budget"), 13);
  metrics.FirstResult(absl::Seconds(2));
  EXPECT_EQ(Value(metrics, "m3lung_first_result_seconds"), 2);
  metrics.SetReady(true);
  EXPECT_EQ(Value(metrics, "m3lung_ready"), 1);
  metrics.SetReady(false);
  EXPECT_EQ(Value(metrics, "m3lung_ready"), 0);
  metrics.InstanceEnded("NOT_CT");
  EXPECT_EQ(Value(metrics, "m3lung_instances_total", "NOT_CT"), 1);
  metrics.SliceScored("CAP");
  EXPECT_EQ(Value(metrics, "m3lung_slices_scored_total", "CAP"), 1);
}

TEST(ServerMetricsTest, EachStageHasItsName) {
  ServerMetrics metrics;
  const std::vector<std::pair<Stage, const char*>> stages = {
      {Stage::kDecode, "decode"},          {Stage::kCrop, "crop"},
      {Stage::kAssemble, "assemble"},      {Stage::kQueue, "queue"},
      {Stage::kSliceModel, "slice_model"}, {Stage::kPatientModel, "patient_model"}};
  int seconds = 1;
  for (const auto& [stage, name] : stages) metrics.StageTook(stage, absl::Seconds(seconds++));
  seconds = 1;
  for (const auto& [stage, name] : stages) {
    EXPECT_EQ(Value(metrics, "m3lung_stage_duration_seconds", name), seconds++) << name;
  }
}

}  // namespace
}  // namespace m3lung
