// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/stop_signal.h"

#include <atomic>
#include <csignal>

namespace m3lung {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);  // the second one ends the process
}

}  // namespace

StopRequested CatchStopSignals() {
  std::signal(SIGTERM, OnSignal);
  std::signal(SIGINT, OnSignal);
  return [] { return stop_requested.load(); };
}

}  // namespace m3lung
