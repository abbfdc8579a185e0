// SPDX-License-Identifier: Apache-2.0
// The server's life once it listens: it loads its models, serves, reloads them, and stops.
#ifndef M3LUNG_SERVER_LIFECYCLE_H_
#define M3LUNG_SERVER_LIFECYCLE_H_

#include <atomic>

#include "server/ops/signals.h"
#include "server/server.h"

namespace m3lung {

// Loads the models, then serves, and says so on standard output, until a signal asks it to stop or
// `failed` is set, which Signals::Wake() follows. SIGHUP reloads the models. Studies in flight may
// end, the grace that the configuration gives them at most; a second signal cuts it short, and what
// does not end even then is left to end with the process, from in here.
//
// Returns the exit code: 0 stopped on request; 1 failed, or the models cannot be loaded, which
// standard error explains.
// REQUIRES: called on the thread that made `signals`.
int ServeUntilStopped(Server& server, const Signals& signals, const std::atomic<bool>& failed);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_LIFECYCLE_H_
