// SPDX-License-Identifier: Apache-2.0
#include "base/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

namespace m3lung {
namespace {

constexpr int kFailed = 1;

// The error of the first flush that failed.
int flush_error = 0;

}  // namespace

void GuardStandardStreams() {
  std::signal(SIGPIPE, SIG_IGN);
  // Reading from standard input then ends at once, and writing to the others fails, as it must.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) open("/dev/null", O_RDONLY);
  }
}

void FlushStandardOutput() {
  if (!std::cout) return;
  errno = 0;
  std::cout.flush();
  if (!std::cout) flush_error = errno;
}

int ExitCodeOnceWritten(absl::string_view program, int exit_code) {
  FlushStandardOutput();
  if (std::cout) return exit_code;
  std::cerr << program << ": cannot write to standard output";
  if (flush_error != 0) std::cerr << ": " << std::strerror(flush_error);
  std::cerr << "\n";
  return exit_code == 0 ? kFailed : exit_code;
}

}  // namespace m3lung
