// SPDX-License-Identifier: Apache-2.0
// How far long work has come, for a person, with an estimate of the time left.
#ifndef M3LUNG_TRAINING_PROGRESS_H_
#define M3LUNG_TRAINING_PROGRESS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/progress_line.h"

namespace m3lung {

// Thread safety: Advance() may be called from any thread.
// REQUIRES: `out` and `clock` outlive it.
class Progress {
 public:
  // "WHAT 3/40 UNIT, 2m left". Off a terminal, a few lines.
  Progress(std::string what, std::string unit, int64_t total, std::ostream& out, DisplayKind kind,
           const Clock& clock = Clock::Real());
  // To standard error.
  Progress(std::string what, std::string unit, int64_t total);
  // Ends the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` more units; `note` (a loss, say) stands at the line's end.
  void Advance(int64_t done = 1, absl::string_view note = "");
  // Counts units that were done before, and say nothing of the speed.
  void Skip(int64_t done);

 private:
  std::string Line(absl::string_view note) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string what_;
  const std::string unit_;
  const int64_t total_;
  const Clock& clock_;
  const absl::Time started_;

  absl::Mutex mu_;
  int64_t done_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t skipped_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time shown_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  ProgressLine line_ ABSL_GUARDED_BY(mu_);
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_PROGRESS_H_
