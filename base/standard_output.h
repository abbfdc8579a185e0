// SPDX-License-Identifier: Apache-2.0
// Standard output that is written whole, or known not to be. For main() and what it runs.
#ifndef M3LUNG_BASE_STANDARD_OUTPUT_H_
#define M3LUNG_BASE_STANDARD_OUTPUT_H_

#include "absl/strings/string_view.h"

namespace m3lung {

// To be called first. A closed pipe is then an error of the write that meets it, not the
// program's silent end by SIGPIPE; and where the program was started without a standard stream, no
// file or connection that it opens takes that stream's place.
void GuardStandardStreams();

// Writes out what std::cout holds, before something else writes to the same descriptor.
void FlushStandardOutput();

// To be called last: the program's exit code. `exit_code`, or 1 in the place of 0 where not all of
// what was written to std::cout has arrived, which standard error is then told.
int ExitCodeOnceWritten(absl::string_view program, int exit_code);

}  // namespace m3lung

#endif  // M3LUNG_BASE_STANDARD_OUTPUT_H_
