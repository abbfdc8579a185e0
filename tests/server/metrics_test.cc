// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <set>
#include <string>

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
  metrics.StudyEnded("OK", absl::Seconds(1));
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

}  // namespace
}  // namespace m3lung
