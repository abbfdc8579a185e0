// SPDX-License-Identifier: Apache-2.0
// Who is let in: the server's answer to being asked for too much.
#ifndef M3LUNG_SERVER_OPS_ADMISSION_H_
#define M3LUNG_SERVER_OPS_ADMISSION_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/config.pb.h"
#include "server/ops/memory_budget.h"

namespace m3lung {

// Counts the calls that are open and refuses what is too much while that costs
// nothing: a study when its stream opens, or at its header. What was let in is meant
// to be answered.
//
// Errors: UNAVAILABLE (NOT_READY) while the server does not serve;
// RESOURCE_EXHAUSTED (TOO_MANY_STUDIES, SERVER_FULL) with a time to try again after.
//
// Thread safety: all methods may be called from any thread.
// REQUIRES: `limits` and `budget` outlive this object.
class Admission {
 public:
  Admission(const server::Limits& limits, MemoryBudget& budget)
      : limits_(limits), budget_(budget) {}

  // Refuses all while it does not serve. Starts so.
  void SetServing(bool serving);

  // A stream has opened. OK must be followed by CloseStudy().
  absl::Status OpenStudy();
  // Its header has come. Some places are kept for urgent studies. OK for a routine
  // study must be followed by CloseRoutine(), before CloseStudy().
  absl::Status OpenRoutine();
  void CloseRoutine();
  void CloseStudy();
  // A study has been answered, so long after it was opened. Others say nothing about when a place
  // will be free.
  void StudyAnswered(absl::Duration took);

  // A call for one slice. OK must be followed by CloseSlice().
  absl::Status OpenSlice();
  void CloseSlice();

  // For a study that was let in and needs more than there is.
  absl::Status Full() const;

  MemoryBudget& budget() { return budget_; }

  // Blocks until no call is open or the clock reaches `deadline`; true for the
  // former.
  bool AwaitIdle(Clock& clock, absl::Time deadline);

 private:
  bool IsIdle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return open_studies_ == 0 && open_slices_ == 0;
  }
  absl::Status TooMany(int places, const char* what) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration RetryAfter() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const server::Limits& limits_;
  MemoryBudget& budget_;

  mutable absl::Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = false;
  int open_studies_ ABSL_GUARDED_BY(mu_) = 0;
  int open_routine_ ABSL_GUARDED_BY(mu_) = 0;
  int open_slices_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration usual_study_ ABSL_GUARDED_BY(mu_) = absl::Seconds(2);
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_ADMISSION_H_
