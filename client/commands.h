// SPDX-License-Identifier: Apache-2.0
// The subcommands of `m3lung`. Each adds itself to the program and, when it is
// the one that was asked for, writes its exit code: 0, 1 (refused or failed) or
// 2 (used wrongly).
#ifndef M3LUNG_CLIENT_COMMANDS_H_
#define M3LUNG_CLIENT_COMMANDS_H_

#include <chrono>
#include <iostream>

#include "CLI/App.hpp"
#include "absl/strings/string_view.h"

namespace m3lung::client {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// How long a command waits for an answer that costs the server nothing.
inline constexpr std::chrono::seconds kPatience{10};

// Says on standard error why a command ends with `exit_code`, and returns it.
inline int Fail(int exit_code, absl::string_view message) {
  std::cerr << "m3lung: " << message << "\n";
  return exit_code;
}

void AddAnalyzeCommand(CLI::App& program, int& exit_code);
void AddBenchCommand(CLI::App& program, int& exit_code);
void AddHealthCommand(CLI::App& program, int& exit_code);
void AddModelsCommand(CLI::App& program, int& exit_code);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_COMMANDS_H_
