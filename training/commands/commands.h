// The subcommands of m3lung-train.
#ifndef M3LUNG_TRAINING_COMMANDS_COMMANDS_H_
#define M3LUNG_TRAINING_COMMANDS_COMMANDS_H_

#include <functional>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace m3lung {

// What a subcommand does once its arguments are parsed.
using Command = std::function<absl::Status()>;

// Each adds one subcommand to `app`, which sets `*chosen` when it is given.
void AddInitCommand(CLI::App& app, Command* chosen);
void AddCohortCommand(CLI::App& app, Command* chosen);
void AddStudyCommand(CLI::App& app, Command* chosen);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COMMANDS_COMMANDS_H_
