// SPDX-License-Identifier: Apache-2.0
// How long decoding one instance has taken. Private to preprocess/.
#ifndef M3LUNG_PREPROCESS_DICOM_DECODE_TIMER_H_
#define M3LUNG_PREPROCESS_DICOM_DECODE_TIMER_H_

#include <chrono>

#include "absl/time/time.h"

namespace m3lung {

class DecodeTimer {
 public:
  // Starts now. Zero runs out at once, absl::InfiniteDuration() never.
  explicit DecodeTimer(absl::Duration limit) : limit_(limit) {}

  bool RanOut() const {
    return absl::FromChrono(std::chrono::steady_clock::now() - start_) >= limit_;
  }
  absl::Duration limit() const { return limit_; }

 private:
  absl::Duration limit_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_DECODE_TIMER_H_
