// SPDX-License-Identifier: Apache-2.0
// m3lungd: how the process starts.
#include <atomic>
#include <iostream>
#include <variant>

#include "base/allocator.h"
#include "base/library_settings.h"
#include "server/lifecycle.h"
#include "server/ops/signals.h"
#include "server/options.h"
#include "server/server.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

int main(int argc, char** argv) {
  // First, so that none is lost while the program starts once more.
  const m3lung::Signals signals;
  m3lung::ConfigureLibraries(argv);
  m3lung::TuneAllocator();
  spdlog::set_default_logger(spdlog::stderr_logger_mt("m3lungd"));
  const auto options = m3lung::ParseCommandLine(argc, argv);
  if (const auto* exit = std::get_if<m3lung::ExitCode>(&options)) return exit->value;

  std::atomic<bool> failed = false;
  auto server = m3lung::Server::Start(std::get<m3lung::server::ServerConfig>(options), [&] {
    failed = true;
    signals.Wake();
  });
  if (!server.ok()) {
    std::cerr << "m3lungd: " << server.status().message() << "\n";
    return 1;
  }
  spdlog::info("listening on {}, metrics on {}; loading models", (*server)->address(),
               (*server)->metrics_address());
  return m3lung::ServeUntilStopped(**server, signals, failed);
}
