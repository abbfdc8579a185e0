// SPDX-License-Identifier: Apache-2.0
#include "model/engine/warm_up.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "base/stop.h"

namespace m3lung {
namespace {

constexpr int kWarmUpRuns = 3;
constexpr int kTimedRuns = 3;

// What a run takes beside those of the other batches.
absl::StatusOr<absl::Duration> WarmUpOne(InferenceRunner& runner,
                                         const std::vector<const int16_t*>& slices,
                                         const std::stop_token& stop) {
  absl::Duration least = absl::InfiniteDuration();
  for (int run = 0; run < kWarmUpRuns + kTimedRuns; ++run) {
    M3L_RETURN_IF_ERROR(CheckStop(stop));
    const absl::Time start = Clock::Real().Now();
    M3L_ASSIGN_OR_RETURN(const auto scores, runner.ScoreSlices(slices));
    if (run >= kWarmUpRuns) least = std::min(least, Clock::Real().Now() - start);
    const std::vector<const std::vector<float>*> features(slices.size(), &scores[0].features);
    M3L_RETURN_IF_ERROR(runner.AssessPatient(features).status());
  }
  return least;
}

}  // namespace

absl::StatusOr<std::vector<absl::Duration>> WarmUp(InferenceRunner& runner,
                                                   absl::Span<const int> batch_sizes,
                                                   const std::stop_token& stop) {
  const std::vector<int16_t> air(static_cast<size_t>(runner.input_size()) * runner.input_size(),
                                 -1000);
  std::vector<absl::Duration> durations;
  for (int batch_size : batch_sizes) {
    if (batch_size < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("a batch size must be positive; was ", batch_size));
    }
    const std::vector<const int16_t*> slices(batch_size, air.data());
    std::vector<absl::StatusOr<absl::Duration>> batches(runner.concurrent_batches());
    {
      std::vector<std::jthread> threads;
      threads.reserve(batches.size());
      for (absl::StatusOr<absl::Duration>& batch : batches) {
        threads.emplace_back([&] { batch = WarmUpOne(runner, slices, stop); });
      }
    }
    absl::Duration least = absl::InfiniteDuration();
    for (const absl::StatusOr<absl::Duration>& batch : batches) {
      M3L_RETURN_IF_ERROR(batch.status());
      least = std::min(least, *batch);
    }
    durations.push_back(std::max(least, absl::Nanoseconds(1)));
  }
  return durations;
}

}  // namespace m3lung
