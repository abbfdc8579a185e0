// SPDX-License-Identifier: Apache-2.0
// How a program shows a person how far its work has come: one line redrawn in place on a terminal,
// line below line elsewhere. What the lines say, and when, is the caller's.
#ifndef M3LUNG_BASE_PROGRESS_LINE_H_
#define M3LUNG_BASE_PROGRESS_LINE_H_

#include <ostream>
#include <string>

#include "absl/strings/string_view.h"

namespace m3lung {

enum class DisplayKind {
  kTerminal,  // one line, redrawn in place
  kLines,     // for logs and pipes
};

// kTerminal where standard error is one that can redraw a line.
DisplayKind DetectDisplayKind();

// Columns of the terminal on standard error; 80 where it does not say.
int TerminalWidth();

// Thread safety: from one thread at a time.
// REQUIRES: `out` outlives it.
class ProgressLine {
 public:
  ProgressLine(std::ostream& out, DisplayKind kind) : out_(out), kind_(kind) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  DisplayKind kind() const { return kind_; }

  // On a terminal in the place of the line before, where it is another one.
  void Show(absl::string_view line);

  // Takes the line off the terminal, or leaves it there and goes on below it; elsewhere nothing.
  // One of them before anything else is written.
  void Clear();
  void End();

 private:
  std::ostream& out_;
  const DisplayKind kind_;
  std::string shown_;  // the line now on the terminal
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_PROGRESS_LINE_H_
