// SPDX-License-Identifier: Apache-2.0
// What asks something of the process from outside.
#ifndef M3LUNG_SERVER_OPS_SIGNALS_H_
#define M3LUNG_SERVER_OPS_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include "absl/time/time.h"

namespace m3lung {

// Takes SIGTERM, SIGINT and SIGHUP one by one, where and when the program is ready for them.
class Signals {
 public:
  // From here on they wait to be taken, in this thread and all that it starts; also through
  // execv(). REQUIRES: no other thread is there yet.
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  static bool AsksToStop(int signal) { return signal == SIGTERM || signal == SIGINT; }

  // The next signal, one that asks to stop before others; 0 after `patience`, or Wake().
  // REQUIRES: called on the thread that made this.
  int Next(absl::Duration patience) const;
  // Whether one that asks to stop waits to be taken.
  static bool IsAskedToStop();

  // Ends Next(), the one that goes on or the one to come. May be called from any thread.
  void Wake() const;

 private:
  const pthread_t thread_;
  sigset_t all_;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_SIGNALS_H_
