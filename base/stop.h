// SPDX-License-Identifier: Apache-2.0
// For work in steps that somebody may ask to stop.
#ifndef M3LUNG_BASE_STOP_H_
#define M3LUNG_BASE_STOP_H_

#include <stop_token>

#include "absl/status/status.h"

namespace m3lung {

// To be looked at between two steps: CANCELLED once it was asked to stop.
inline absl::Status CheckStop(const std::stop_token& stop) {
  return stop.stop_requested() ? absl::CancelledError("was asked to stop") : absl::OkStatus();
}

}  // namespace m3lung

#endif  // M3LUNG_BASE_STOP_H_
