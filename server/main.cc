#include <pthread.h>
#include <signal.h>

#include <iostream>
#include <thread>
#include <variant>

#include "server/options.h"
#include "server/server.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

// Blocks the signals that ask to stop, in this thread and all that it starts, so
// that only sigwait() takes them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Fail(const absl::Status& status) {
  std::cerr << "m3lungd: " << status.message() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t stop_signals = BlockStopSignals();
  spdlog::set_default_logger(spdlog::stderr_logger_mt("m3lungd"));
  const auto options = m3lung::ParseCommandLine(argc, argv);
  if (const auto* exit = std::get_if<m3lung::ExitCode>(&options)) return exit->value;

  auto server = m3lung::Server::Start(std::get<m3lung::server::ServerConfig>(options));
  if (!server.ok()) return Fail(server.status());
  if (const absl::Status status = (*server)->LoadModels(); !status.ok()) return Fail(status);
  std::cout << "m3lungd ready: listening on " << (*server)->address() << ", metrics on "
            << (*server)->metrics_address() << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  spdlog::info("signal {}: stopping", signal);
  (*server)->Stop();
  spdlog::info("stopped");
  return 0;
}
