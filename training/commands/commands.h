// SPDX-License-Identifier: Apache-2.0
// The subcommands of m3lung-train.
#ifndef M3LUNG_TRAINING_COMMANDS_COMMANDS_H_
#define M3LUNG_TRAINING_COMMANDS_COMMANDS_H_

#include <functional>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace m3lung {

// What a subcommand does once its arguments are parsed.
using Command = std::function<absl::Status()>;

// Each adds one subcommand to `app`, which sets `*chosen` when it is given. In the
// order in which they are used.
void AddCohortCommand(CLI::App& app, Command* chosen);
void AddPrepareCommand(CLI::App& app, Command* chosen);
void AddSliceCommand(CLI::App& app, Command* chosen);
void AddFeaturesCommand(CLI::App& app, Command* chosen);
void AddPatientCommand(CLI::App& app, Command* chosen);
void AddExportCommand(CLI::App& app, Command* chosen);
void AddEvaluateCommand(CLI::App& app, Command* chosen);
void AddPrecisionCommand(CLI::App& app, Command* chosen);
void AddAblateCommand(CLI::App& app, Command* chosen);
void AddInitCommand(CLI::App& app, Command* chosen);
void AddStudyCommand(CLI::App& app, Command* chosen);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COMMANDS_COMMANDS_H_
