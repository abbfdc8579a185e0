// SPDX-License-Identifier: Apache-2.0
#include "base/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace m3lung {
namespace {

constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

DisplayKind DetectDisplayKind() {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string(terminal) == "dumb";
  return isatty(STDERR_FILENO) != 0 && !dumb ? DisplayKind::kTerminal : DisplayKind::kLines;
}

int TerminalWidth() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void ProgressLine::Show(absl::string_view line) {
  if (kind_ == DisplayKind::kLines) {
    out_ << line << "\n" << std::flush;
  } else if (line != shown_) {
    shown_ = std::string(line);
    out_ << kClearLine << line << std::flush;
  }
}

void ProgressLine::Clear() {
  if (!shown_.empty()) out_ << kClearLine << std::flush;
  shown_.clear();
}

void ProgressLine::End() {
  if (!shown_.empty()) out_ << "\n" << std::flush;
  shown_.clear();
}

}  // namespace m3lung
