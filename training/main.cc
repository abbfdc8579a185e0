// SPDX-License-Identifier: Apache-2.0
// m3lung-train: makes models and the studies to make them with.
#include <exception>
#include <iostream>
#include <new>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/allocator.h"
#include "base/library_settings.h"
#include "base/standard_output.h"
#include "c10/util/Exception.h"
#include "training/commands/commands.h"

namespace {

constexpr char kProgram[] = "m3lung-train";
constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

// What `command` answers. No exception of a library ends the program without a word.
absl::Status Outcome(const m3lung::Command& command) try {
  return command();
} catch (const c10::OutOfMemoryError& e) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the device has too little memory (a smaller --batch-size needs less): ",
                   e.what_without_backtrace()));
} catch (const c10::Error& e) {
  return absl::InternalError(absl::StrCat("LibTorch: ", e.what_without_backtrace()));
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError(
      "there is too little memory; smaller batches and fewer threads need less");
} catch (const std::exception& e) {
  return absl::InternalError(e.what());
}

int Run(int argc, char** argv) {
  CLI::App app("Makes M3Lung models and synthetic studies. Research use only.", kProgram);
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
  const absl::Status status = Outcome(chosen);
  if (status.ok()) return 0;
  std::cerr << kProgram << ": " << status.message() << "\n";
  return status.code() == absl::StatusCode::kInvalidArgument ? kUsedWrongly : kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  m3lung::ConfigureLibraries(argv);
  m3lung::GuardStandardStreams();
  m3lung::TuneAllocator();
  return m3lung::ExitCodeOnceWritten(kProgram, Run(argc, argv));
}
