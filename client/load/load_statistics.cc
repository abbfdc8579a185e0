// SPDX-License-Identifier: Apache-2.0
#include "client/load/load_statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/remote_status.h"
#include "nlohmann/json.hpp"

namespace m3lung::client {
namespace {

constexpr size_t kStableWindows = 3;

double Ms(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

absl::Duration AtRank(const std::vector<absl::Duration>& sorted, double percent) {
  const auto rank = static_cast<size_t>(std::ceil(percent / 100 * sorted.size()));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

// The stages in the order of a study's way.
std::vector<std::pair<const char*, double>> StagesOf(const v1::StageTimings& timings) {
  return {{"decode", timings.decode_ms()},
          {"assemble", timings.assemble_ms()},
          {"crop", timings.crop_ms()},
          {"queue", timings.queue_ms()},
          {"slice_model", timings.slice_model_ms()},
          {"patient_model", timings.patient_model_ms()}};
}

v1::StageTimings Mean(absl::Span<const LoadedStudy> studies) {
  v1::StageTimings sum;
  double count = 0;
  for (const LoadedStudy& study : studies) {
    if (!study.status.ok()) continue;
    ++count;
    sum.set_decode_ms(sum.decode_ms() + study.timings.decode_ms());
    sum.set_assemble_ms(sum.assemble_ms() + study.timings.assemble_ms());
    sum.set_crop_ms(sum.crop_ms() + study.timings.crop_ms());
    sum.set_queue_ms(sum.queue_ms() + study.timings.queue_ms());
    sum.set_slice_model_ms(sum.slice_model_ms() + study.timings.slice_model_ms());
    sum.set_patient_model_ms(sum.patient_model_ms() + study.timings.patient_model_ms());
    sum.set_total_ms(sum.total_ms() + study.timings.total_ms());
  }
  if (count == 0) return sum;
  sum.set_decode_ms(sum.decode_ms() / count);
  sum.set_assemble_ms(sum.assemble_ms() / count);
  sum.set_crop_ms(sum.crop_ms() / count);
  sum.set_queue_ms(sum.queue_ms() / count);
  sum.set_slice_model_ms(sum.slice_model_ms() / count);
  sum.set_patient_model_ms(sum.patient_model_ms() / count);
  sum.set_total_ms(sum.total_ms() / count);
  return sum;
}

}  // namespace

Percentiles PercentilesOf(std::vector<absl::Duration> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {AtRank(values, 50), AtRank(values, 95), AtRank(values, 99)};
}

bool IsStable(absl::Span<const LoadWindow> windows, double tolerance) {
  if (windows.size() < kStableWindows) return false;
  const auto last = windows.last(kStableWindows);
  double mean = 0;
  for (const LoadWindow& window : last) mean += window.SlicesPerSecond() / kStableWindows;
  return mean > 0 && std::all_of(last.begin(), last.end(), [&](const LoadWindow& window) {
           return std::abs(window.SlicesPerSecond() - mean) <= tolerance * mean;
         });
}

LoadSummary Summarize(absl::Span<const LoadWindow> windows, absl::Span<const LoadedStudy> studies,
                      bool stable) {
  LoadSummary summary;
  summary.stable = stable;
  for (const LoadWindow& window : windows) {
    summary.sum.length += window.length;
    summary.sum.studies += window.studies;
    summary.sum.slices += window.slices;
  }
  std::vector<absl::Duration> first_results, whole, failed;
  for (const LoadedStudy& study : studies) {
    if (!study.status.ok()) {
      const std::string reason = ReasonOf(study.status);
      ++summary.failures[absl::StrCat(absl::StatusCodeToString(study.status.code()),
                                      reason.empty() ? "" : " ", reason)];
      failed.push_back(study.study);
      continue;
    }
    first_results.push_back(study.first_result);
    whole.push_back(study.study);
  }
  summary.first_result = PercentilesOf(std::move(first_results));
  summary.study = PercentilesOf(std::move(whole));
  summary.failure = PercentilesOf(std::move(failed));
  summary.mean_timings = Mean(studies);
  return summary;
}

std::string FormatLoad(const LoadSummary& summary) {
  std::string text = absl::StrFormat(
      "Studies/s       %.3f   (%d in %.0f s%s)\nSlices/s        %.2f\n",
      summary.sum.StudiesPerSecond(), summary.sum.studies,
      absl::ToDoubleSeconds(summary.sum.length), summary.stable ? "" : "; the rate was not stable",
      summary.sum.SlicesPerSecond());
  const auto row = [&](const char* name, const Percentiles& times) {
    absl::StrAppendFormat(&text, "%-15s p50 %.0f ms   p95 %.0f ms   p99 %.0f ms\n", name,
                          Ms(times.p50), Ms(times.p95), Ms(times.p99));
  };
  row("First result", summary.first_result);
  row("Study", summary.study);
  if (!summary.failures.empty()) row("Failure after", summary.failure);
  for (const auto& [what, count] : summary.failures) {
    absl::StrAppendFormat(&text, "Failed          %d   %s\n", count, what);
  }
  double sum = 0;
  for (const auto& [stage, ms] : StagesOf(summary.mean_timings)) sum += ms;
  if (sum <= 0) return text;
  absl::StrAppend(&text, "Server, the mean study: all slices' times in a stage added up\n");
  for (const auto& [stage, ms] : StagesOf(summary.mean_timings)) {
    absl::StrAppendFormat(&text, "  %-13s %8.0f ms %5.1f %%\n", stage, ms, 100 * ms / sum);
  }
  return text;
}

std::string LoadToJson(const LoadSummary& summary) {
  const auto times = [](const Percentiles& percentiles) {
    return nlohmann::ordered_json{
        {"p50", Ms(percentiles.p50)}, {"p95", Ms(percentiles.p95)}, {"p99", Ms(percentiles.p99)}};
  };
  nlohmann::ordered_json stages;
  for (const auto& [stage, ms] : StagesOf(summary.mean_timings)) stages[stage] = ms;
  const nlohmann::ordered_json json = {{"seconds", absl::ToDoubleSeconds(summary.sum.length)},
                                       {"stable", summary.stable},
                                       {"studies", summary.sum.studies},
                                       {"slices", summary.sum.slices},
                                       {"studies_per_second", summary.sum.StudiesPerSecond()},
                                       {"slices_per_second", summary.sum.SlicesPerSecond()},
                                       {"first_result_ms", times(summary.first_result)},
                                       {"study_ms", times(summary.study)},
                                       {"failures", summary.failures},
                                       {"failure_ms", times(summary.failure)},
                                       {"server_stages_ms", stages},
                                       {"server_total_ms", summary.mean_timings.total_ms()}};
  return json.dump(2) + "\n";
}

}  // namespace m3lung::client
