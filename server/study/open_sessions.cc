// SPDX-License-Identifier: Apache-2.0
#include "server/study/open_sessions.h"

namespace m3lung {
namespace {

constexpr int kChecksPerLimit = 8;

}  // namespace

OpenSessions::OpenSessions(Clock& clock, absl::Duration idle_limit)
    : clock_(clock), between_checks_(idle_limit / kChecksPerLimit), watcher_([this] { Watch(); }) {}

OpenSessions::~OpenSessions() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
}

void OpenSessions::Add(const std::shared_ptr<StudySession>& session) {
  absl::MutexLock lock(&mu_);
  sessions_.push_back(session);
}

void OpenSessions::EndAll(const absl::Status& error) {
  std::vector<std::shared_ptr<StudySession>> alive;
  {
    absl::MutexLock lock(&mu_);
    alive = Alive();
  }
  for (const auto& session : alive) session->EndWith(error);
}

void OpenSessions::Watch() {
  while (true) {
    std::vector<std::shared_ptr<StudySession>> alive;
    {
      absl::MutexLock lock(&mu_);
      if (clock_.AwaitUntil(mu_, absl::Condition(this, &OpenSessions::Stops),
                            clock_.Now() + between_checks_)) {
        return;
      }
      alive = Alive();
    }
    for (const auto& session : alive) session->EndIfIdle();
  }
}

std::vector<std::shared_ptr<StudySession>> OpenSessions::Alive() {
  std::vector<std::shared_ptr<StudySession>> alive;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (std::shared_ptr<StudySession> session = at->lock()) {
      alive.push_back(std::move(session));
      ++at;
    } else {
      at = sessions_.erase(at);
    }
  }
  return alive;
}

}  // namespace m3lung
