// SPDX-License-Identifier: Apache-2.0
// The subcommands of `m3lung`. Each adds itself to the program and, when it is
// the one that was asked for, writes its exit code: 0, 1 (refused or failed) or
// 2 (used wrongly).
#ifndef M3LUNG_CLIENT_COMMANDS_H_
#define M3LUNG_CLIENT_COMMANDS_H_

#include "CLI/App.hpp"

namespace m3lung::client {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

void AddAnalyzeCommand(CLI::App& program, int& exit_code);
void AddBenchCommand(CLI::App& program, int& exit_code);
void AddHealthCommand(CLI::App& program, int& exit_code);
void AddModelsCommand(CLI::App& program, int& exit_code);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_COMMANDS_H_
