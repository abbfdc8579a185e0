// SPDX-License-Identifier: Apache-2.0
// A study's progress for a person: a bar on a terminal, a few lines elsewhere.
// The upload comes first, then the slices' answers: the number of slices is known
// when the server has read all instances. In crop mode `paper` answers come during
// the upload too.
#ifndef M3LUNG_CLIENT_PROGRESS_DISPLAY_H_
#define M3LUNG_CLIENT_PROGRESS_DISPLAY_H_

#include <ostream>

#include "base/progress_line.h"
#include "client/study_client.h"

namespace m3lung::client {

// Thread safety: Show() from one thread at a time.
// REQUIRES: `out` outlives the display.
class ProgressDisplay {
 public:
  // Off a terminal, a line at each quarter. `width`: of the terminal, in characters.
  ProgressDisplay(std::ostream& out, DisplayKind kind, int width);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void Show(const StudyStage& stage);

  // Leaves the terminal with an empty line to write on. Call before writing
  // anything else.
  void Close() { line_.Clear(); }

 private:
  void ShowLine(const StudyStage& stage);
  void ShowBar(const StudyStage& stage);

  ProgressLine line_;
  const int width_;

  int sent_quarter_ = 0;  // last one reported
  int answered_quarter_ = 0;
};

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_PROGRESS_DISPLAY_H_
