// SPDX-License-Identifier: Apache-2.0
// m3lung-train: makes models and the studies to make them with.
#include <iostream>

#include "CLI/CLI.hpp"
#include "base/freed_memory.h"
#include "training/commands/commands.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

}  // namespace

int main(int argc, char** argv) {
  m3lung::KeepFreedMemory();
  CLI::App app("Makes M3Lung models and synthetic studies. Research use only.", "m3lung-train");
  app.require_subcommand(1);
  app.footer(
      "Exit code: 0 done, 1 failed, 2 used wrongly.\nm3lung-train SUBCOMMAND --help says more.");
  m3lung::Command chosen;
  m3lung::AddCohortCommand(app, &chosen);
  m3lung::AddPrepareCommand(app, &chosen);
  m3lung::AddSliceCommand(app, &chosen);
  m3lung::AddFeaturesCommand(app, &chosen);
  m3lung::AddPatientCommand(app, &chosen);
  m3lung::AddExportCommand(app, &chosen);
  m3lung::AddEvaluateCommand(app, &chosen);
  m3lung::AddPrecisionCommand(app, &chosen);
  m3lung::AddAblateCommand(app, &chosen);
  m3lung::AddInitCommand(app, &chosen);
  m3lung::AddStudyCommand(app, &chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsedWrongly;  // 0: --help
  }
  const absl::Status status = chosen();
  if (status.ok()) return 0;
  std::cerr << "m3lung-train: " << status.message() << "\n";
  return status.code() == absl::StatusCode::kInvalidArgument ? kUsedWrongly : kFailed;
}
