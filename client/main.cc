// SPDX-License-Identifier: Apache-2.0
// The `m3lung` command.
#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "client/commands.h"

int main(int argc, char** argv) {
  using namespace m3lung::client;  // NOLINT(google-build-using-namespace): a main of one screen
  CLI::App program("Screens chest CT for pneumonia with an M3Lung server. Research use only.",
                   "m3lung");
  program.require_subcommand(0, 1);  // none is told below, where a mistyped one has its own error
  program.footer(
      "Exit codes: 0 done; 1 refused or failed; 2 used wrongly.\n"
      "Example: m3lung analyze study/ --json=answer.json --report=report/");
  int exit_code = kExitDone;
  AddAnalyzeCommand(program, exit_code);
  AddModelsCommand(program, exit_code);
  AddBenchCommand(program, exit_code);
  AddHealthCommand(program, exit_code);
  try {
    program.parse(argc, argv);
    if (program.get_subcommands().empty()) throw CLI::RequiredError::Subcommand(1);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return exit_code;
}
