// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "base/freed_memory.h"
#include "server/options.h"
#include "server/server.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

// Libraries read these when they are loaded, which is before main(): so where they are not set,
// this starts the program once more, with them.
void TellLibraries(char** argv) {
  constexpr std::pair<const char*, const char*> kTold[] = {
      // The network's threads would wait for each other by spinning. Decoding shares their
      // processors, which then costs a third of the speed (bench/RESULTS.md).
      {"OMP_WAIT_POLICY", "passive"},
      // oneDNN would keep each piece of a network that it compiled (model/fused_network.h), weights
      // and all, in case the same is compiled again. What is loaded again never is the same.
      {"DNNL_GRAPH_COMPILED_PARTITION_CACHE_CAPACITY", "0"},
  };
  bool all_told = true;
  for (const auto& [name, value] : kTold) {
    if (std::getenv(name) != nullptr) continue;
    setenv(name, value, /*overwrite=*/1);
    all_told = false;
  }
  if (all_told) return;
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  execv(program.c_str(), argv);  // Returns where that is not to be had.
}

// Blocks the signals that ask something of the server, in this thread and all that it
// starts, so that only this thread takes them, when it waits for them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Fail(const absl::Status& status) {
  std::cerr << "m3lungd: " << status.message() << "\n";
  return 1;
}

// The signal that asks to stop. SIGHUP asks to look for models again.
int ServeUntilStopped(m3lung::Server& server, const sigset_t& signals) {
  constexpr timespec kBetweenLooks = {.tv_sec = 1, .tv_nsec = 0};
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &kBetweenLooks);
    if (signal == SIGTERM || signal == SIGINT) return signal;
    if (signal == SIGHUP) {
      const absl::Status status = server.ReloadModels();
      if (status.ok()) {
        spdlog::info("models reloaded");
      } else {
        spdlog::error("the models stay as they are: {}", std::string(status.message()));
      }
    }
    server.EndUnusedModels();
  }
}

}  // namespace

int main(int argc, char** argv) {
  TellLibraries(argv);
  m3lung::KeepFreedMemory();
  const sigset_t signals = BlockSignals();
  spdlog::set_default_logger(spdlog::stderr_logger_mt("m3lungd"));
  const auto options = m3lung::ParseCommandLine(argc, argv);
  if (const auto* exit = std::get_if<m3lung::ExitCode>(&options)) return exit->value;

  std::atomic<bool> failed = false;
  auto server = m3lung::Server::Start(
      std::get<m3lung::server::ServerConfig>(options), [&failed, main_thread = pthread_self()] {
        failed = true;
        pthread_kill(main_thread, SIGTERM);  // to where it is waited for
      });
  if (!server.ok()) return Fail(server.status());
  if (const absl::Status status = (*server)->LoadModels(); !status.ok()) return Fail(status);
  std::cout << "m3lungd ready: listening on " << (*server)->address() << ", metrics on "
            << (*server)->metrics_address() << std::endl;

  const int signal = ServeUntilStopped(**server, signals);
  spdlog::info("signal {}: stopping", signal);
  (*server)->Stop();
  spdlog::info("stopped");
  return failed ? 1 : 0;
}
