// SPDX-License-Identifier: Apache-2.0
// Figures from the studies of a load: percentiles, rates, whether they are stable.
#ifndef M3LUNG_CLIENT_LOAD_LOAD_STATISTICS_H_
#define M3LUNG_CLIENT_LOAD_LOAD_STATISTICS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// One study as its client saw it.
struct LoadedStudy {
  // From when the study was due, which is earlier than when it was sent where the
  // client could not keep up with a fixed rate.
  absl::Duration first_result;
  absl::Duration study;
  int slices = 0;            // answered
  absl::Status status;       // of the call
  v1::StageTimings timings;  // the server's; for an OK status
};

struct Percentiles {
  absl::Duration p50, p95, p99;
};

// By nearest rank: the least value that so many per cent do not exceed. Zeros for none.
Percentiles PercentilesOf(std::vector<absl::Duration> values);

// What a stretch of the load gave.
struct LoadWindow {
  absl::Duration length;
  int studies = 0;  // answered
  int slices = 0;   // answered, those of studies under way too

  double StudiesPerSecond() const { return studies / absl::ToDoubleSeconds(length); }
  double SlicesPerSecond() const { return slices / absl::ToDoubleSeconds(length); }
};

// Whether the last three windows have slices and differ from their mean by
// `tolerance` of it at most.
bool IsStable(absl::Span<const LoadWindow> windows, double tolerance);

// The stable windows, or the last ones, summed up.
struct LoadSummary {
  LoadWindow sum;
  bool stable = false;
  Percentiles first_result, study;      // of studies that were answered
  Percentiles failure;                  // of the others, how long until they failed
  std::map<std::string, int> failures;  // by status code and reason
  // Milliseconds a study on the server, over the studies answered.
  v1::StageTimings mean_timings;
};

// `studies`: those that ended within `windows`.
LoadSummary Summarize(absl::Span<const LoadWindow> windows, absl::Span<const LoadedStudy> studies,
                      bool stable);

// For a terminal.
std::string FormatLoad(const LoadSummary& summary);
// One object; durations in milliseconds.
std::string LoadToJson(const LoadSummary& summary);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_LOAD_LOAD_STATISTICS_H_
