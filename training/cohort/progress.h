// The progress of long work for a person: one line redrawn on a terminal, a few
// lines elsewhere.
#ifndef M3LUNG_TRAINING_COHORT_PROGRESS_H_
#define M3LUNG_TRAINING_COHORT_PROGRESS_H_

#include <ostream>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace m3lung {

// Thread safety: Advance() may be called from any thread.
// REQUIRES: `out` and `clock` outlive the object.
class Progress {
 public:
  // `what` names the units, as "studies"; `total` of them, of which `done` are done
  // already and say nothing about the speed.
  Progress(std::string what, int total, int done, bool on_terminal, std::ostream& out,
           const Clock& clock = Clock::Real());
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // One more unit is done.
  void Advance();

  // Ends the line on a terminal. Call before writing anything else.
  void Close();

 private:
  std::string Line() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string what_;
  const int total_;
  const int done_before_;
  const bool on_terminal_;
  const Clock& clock_;
  const absl::Time started_;

  absl::Mutex mu_;
  std::ostream& out_ ABSL_GUARDED_BY(mu_);
  int done_ ABSL_GUARDED_BY(mu_);
  int shown_tenth_ ABSL_GUARDED_BY(mu_);
  bool line_is_open_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_PROGRESS_H_
