// SPDX-License-Identifier: Apache-2.0
// A study's progress for a person: a bar on a terminal, a few lines elsewhere.
// The upload comes first, then the slices' answers: the number of slices is known
// when the server has read all instances. In crop mode `paper` answers come during
// the upload too.
#ifndef M3LUNG_CLIENT_PROGRESS_DISPLAY_H_
#define M3LUNG_CLIENT_PROGRESS_DISPLAY_H_

#include <ostream>
#include <string>

#include "client/study_client.h"

namespace m3lung::client {

enum class DisplayKind {
  kTerminal,  // one line, redrawn in place
  kLines,     // a line at each quarter, for logs and pipes
};

// Thread safety: Show() from one thread at a time.
// REQUIRES: `out` outlives the display.
class ProgressDisplay {
 public:
  // `width`: of the terminal, in characters.
  ProgressDisplay(std::ostream& out, DisplayKind kind, int width);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void Show(const StudyStage& stage);

  // Leaves the terminal with an empty line to write on. Call before writing
  // anything else.
  void Close();

 private:
  void ShowLine(const StudyStage& stage);
  void ShowBar(const StudyStage& stage);

  std::ostream& out_;
  const DisplayKind kind_;
  const int width_;

  std::string shown_;     // the bar now on the terminal
  int sent_quarter_ = 0;  // last one reported
  int answered_quarter_ = 0;
};

// kTerminal where standard error is one that can redraw a line.
DisplayKind DetectDisplayKind();

// Columns of the terminal on standard error; 80 where it does not say.
int TerminalWidth();

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_PROGRESS_DISPLAY_H_
