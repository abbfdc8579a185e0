// SPDX-License-Identifier: Apache-2.0
#include "client/progress_display.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace m3lung::client {
namespace {

constexpr int kQuarters = 4;

int QuarterOf(int done, int total) { return total <= 0 ? 0 : done * kQuarters / total; }

std::string Bar(int done, int total, int cells) {
  const int full = total <= 0 ? 0 : std::clamp(done * cells / total, 0, cells);
  return absl::StrCat("[", std::string(static_cast<size_t>(full), '#'),
                      std::string(static_cast<size_t>(cells - full), '.'), "]");
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::ostream& out, DisplayKind kind, int width)
    : line_(out, kind), width_(width) {}

void ProgressDisplay::Show(const StudyStage& stage) {
  if (line_.kind() == DisplayKind::kTerminal) {
    ShowBar(stage);
  } else {
    ShowLine(stage);
  }
}

void ProgressDisplay::ShowLine(const StudyStage& stage) {
  const int sent = QuarterOf(stage.instances_sent, stage.instances_total);
  if (sent > sent_quarter_) {
    sent_quarter_ = sent;
    line_.Show(
        absl::StrCat("sent ", stage.instances_sent, " of ", stage.instances_total, " instances"));
  }
  if (!stage.upload_ended) return;
  const int answered = QuarterOf(stage.slices_answered, stage.slices_used);
  if (answered > answered_quarter_) {
    answered_quarter_ = answered;
    line_.Show(
        absl::StrCat("answered ", stage.slices_answered, " of ", stage.slices_used, " slices"));
  }
}

void ProgressDisplay::ShowBar(const StudyStage& stage) {
  const bool uploading = !stage.upload_ended;
  const bool sent = stage.instances_sent == stage.instances_total;
  const int done = uploading ? stage.instances_sent : stage.slices_answered;
  const int total = uploading ? stage.instances_total : stage.slices_used;
  const std::string head = !uploading ? "Scoring " : sent ? "Sent " : "Sending ";
  std::string tail = absl::StrFormat(" %d/%d", done, total);
  if (uploading && stage.slices_answered > 0) {
    absl::StrAppend(&tail, ", ", stage.slices_answered, " answered");
  }
  // Decoding goes on, and in crop mode `volume` the lungs are sought only now.
  if (uploading && sent) absl::StrAppend(&tail, ", being read");
  // A line as wide as the terminal wraps on some, and is then left behind.
  const int cells = std::min(40, width_ - 1 - static_cast<int>(head.size() + tail.size()) - 2);
  line_.Show(
      cells >= 5
          ? absl::StrCat(head, Bar(done, total, cells), tail)
          : absl::StrCat(head, tail).substr(0, static_cast<size_t>(std::max(0, width_ - 1))));
}

}  // namespace m3lung::client
