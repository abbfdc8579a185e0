// SPDX-License-Identifier: Apache-2.0
#include "server/lifecycle.h"

#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/ops/model_loader.h"
#include "spdlog/spdlog.h"

namespace m3lung {
namespace {

// Between two looks for models that no study uses any more.
constexpr absl::Duration kBetweenLooks = absl::Seconds(1);
// For clients to take in that their studies have ended at once.
constexpr absl::Duration kTakenIn = absl::Seconds(2);
// For a step of loading to come to its end.
constexpr absl::Duration kLastStep = absl::Seconds(2);

// Lets the studies in flight end, the grace that the configuration gives them at most; a second
// signal cuts it short. Nothing but memory is left behind, so that what does not end in time ends
// with the process.
void StopServing(Server& server, ModelLoader& loader, const Signals& signals, int exit_code) {
  Clock& clock = Clock::Real();
  const auto leave = [&](const char* reason) {
    spdlog::warn("{}: left as it is", reason);
    std::_Exit(exit_code);
  };
  loader.Cancel();
  std::atomic<bool> stopped = false;
  std::jthread stopping([&] {
    server.Stop();
    stopped = true;
    signals.Wake();
  });
  absl::Time last = absl::InfiniteFuture();
  while (!stopped) {
    const int signal = signals.Next(kBetweenLooks);
    if (Signals::AsksToStop(signal) && last == absl::InfiniteFuture()) {
      spdlog::info("signal {}: ending the studies in flight", signal);
      server.EndStudies();
      last = clock.Now() + kTakenIn;
    }
    if (clock.Now() >= last && !stopped) leave("a client does not take in that its study ended");
  }
  // One step of loading, which cannot be broken off, may take minutes on a slow machine.
  if (!loader.AwaitEnd(clock, clock.Now() + kLastStep)) leave("a step of loading does not end");
}

}  // namespace

int ServeUntilStopped(Server& server, const Signals& signals, const std::atomic<bool>& failed) {
  bool is_ready = false;
  ModelLoader loader(
      [&, first = true](const std::stop_token& stop) mutable {
        return std::exchange(first, false) ? server.LoadModels(stop) : server.ReloadModels(stop);
      },
      [&] { signals.Wake(); });
  loader.Begin();
  bool is_loading = true, load_again = false;
  while (true) {
    const int signal = signals.Next(kBetweenLooks);
    if (Signals::AsksToStop(signal) || failed) {
      if (signal != 0) spdlog::info("signal {}: stopping", signal);
      StopServing(server, loader, signals, failed ? 1 : 0);
      spdlog::info("stopped");
      return failed ? 1 : 0;
    }
    load_again = load_again || signal == SIGHUP;
    if (const auto outcome = loader.TakeOutcome(); outcome.has_value()) {
      is_loading = false;
      if (!is_ready && !outcome->ok()) {
        std::cerr << "m3lungd: " << outcome->message() << "\n";
        return 1;
      }
      // Never "ready" after a signal to stop, which is taken next.
      if (Signals::IsAskedToStop()) continue;
      if (!is_ready) {
        server.BeginServing();
        is_ready = true;
        std::cout << "m3lungd ready: listening on " << server.address() << ", metrics on "
                  << server.metrics_address() << std::endl;
      } else if (outcome->ok()) {
        spdlog::info("models reloaded");
      } else {
        spdlog::error("the models stay as they are: {}", std::string(outcome->message()));
      }
    }
    if (load_again && !is_loading) {
      loader.Begin();
      is_loading = true;
      load_again = false;
    }
    server.EndUnusedModels();
  }
}

}  // namespace m3lung
