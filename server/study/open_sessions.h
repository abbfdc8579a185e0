// SPDX-License-Identifier: Apache-2.0
// The studies that are open, for what concerns them all.
#ifndef M3LUNG_SERVER_STUDY_OPEN_SESSIONS_H_
#define M3LUNG_SERVER_STUDY_OPEN_SESSIONS_H_

#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/study/study_session.h"

namespace m3lung {

// Ends studies whose clients let them wait, and all of them when the server must.
//
// Thread safety: all methods may be called from any thread.
// REQUIRES: the clock outlives it.
class OpenSessions {
 public:
  // Looks for idle ones a few times within `idle_limit`.
  OpenSessions(Clock& clock, absl::Duration idle_limit);
  ~OpenSessions();
  OpenSessions(const OpenSessions&) = delete;
  OpenSessions& operator=(const OpenSessions&) = delete;

  // Until the session dies.
  void Add(const std::shared_ptr<StudySession>& session);

  void EndAll(const absl::Status& error);

 private:
  void Watch();
  std::vector<std::shared_ptr<StudySession>> Alive() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Stops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; }

  Clock& clock_;
  const absl::Duration between_checks_;

  absl::Mutex mu_;
  std::list<std::weak_ptr<StudySession>> sessions_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::jthread watcher_;  // last: joins before what it uses dies
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_OPEN_SESSIONS_H_
