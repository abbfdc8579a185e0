// SPDX-License-Identifier: Apache-2.0
#include "server/ops/signals.h"

#include <initializer_list>

namespace m3lung {
namespace {

// Nobody outside sends it; from within it says that something has ended.
constexpr int kWake = SIGUSR1;

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

int Take(const sigset_t& signals, absl::Duration patience) {
  const timespec time = absl::ToTimespec(patience);
  const int signal = sigtimedwait(&signals, nullptr, &time);
  return signal > 0 && signal != kWake ? signal : 0;
}

}  // namespace

Signals::Signals() : thread_(pthread_self()), all_(SetOf({SIGTERM, SIGINT, SIGHUP, kWake})) {
  pthread_sigmask(SIG_BLOCK, &all_, nullptr);
}

int Signals::Next(absl::Duration patience) const {
  // Of several that wait the system gives the lowest number, which SIGHUP has.
  static const sigset_t stop = SetOf({SIGTERM, SIGINT});
  if (const int signal = Take(stop, absl::ZeroDuration()); signal != 0) return signal;
  return Take(all_, patience);
}

bool Signals::IsAskedToStop() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

void Signals::Wake() const { pthread_kill(thread_, kWake); }

}  // namespace m3lung
