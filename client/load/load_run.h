// SPDX-License-Identifier: Apache-2.0
// Sends studies to a server for as long as it takes to know its speed.
#ifndef M3LUNG_CLIENT_LOAD_LOAD_RUN_H_
#define M3LUNG_CLIENT_LOAD_LOAD_RUN_H_

#include <atomic>
#include <functional>

#include "absl/time/time.h"
#include "base/clock.h"
#include "client/load/load_statistics.h"

namespace m3lung::client {

struct LoadOptions {
  // Closed loop: so many studies are under way at once, each followed by the next.
  // With a rate: so many at most.
  int concurrency = 1;
  // Studies a second that are due, whatever the server does; 0: closed loop.
  double studies_per_second = 0;
  absl::Duration window = absl::Seconds(10);
  int most_windows = 20;  // the first, which warms up, not counted
  double tolerance = 0.1;
};

// Sends study number `number`, adds each slice answered to `slices`, and says how it
// went; first_result and study count from the call.
using StudySender = std::function<LoadedStudy(int number, std::atomic<int>& slices)>;

// One window to warm up, then windows until three in a row are stable or there are
// most_windows; these three, or all of the latter, are the result. Studies under way at
// the end are waited for. `on_window` is told of each window and whether it
// warms up.
LoadSummary RunLoad(const LoadOptions& options, const StudySender& send, Clock& clock,
                    const std::function<void(const LoadWindow&, bool warms_up)>& on_window);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_LOAD_LOAD_RUN_H_
