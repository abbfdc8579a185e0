// SPDX-License-Identifier: Apache-2.0
// The command line of m3lungd.
#ifndef M3LUNG_SERVER_OPTIONS_H_
#define M3LUNG_SERVER_OPTIONS_H_

#include <variant>

#include "absl/status/statusor.h"
#include "server/config.pb.h"

namespace m3lung {

// Ends the process: 0 after --help, 2 for a command line that cannot be used.
struct ExitCode {
  int value;
};

// Reads the command line, the file it names and the flags over that, and checks
// the whole. What is wrong goes to standard error.
std::variant<server::ServerConfig, ExitCode> ParseCommandLine(int argc, char** argv);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPTIONS_H_
