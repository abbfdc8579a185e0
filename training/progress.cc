// SPDX-License-Identifier: Apache-2.0
#include "training/progress.h"

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

// At most so often is a line shown.
constexpr absl::Duration kRedraw = absl::Milliseconds(250);
constexpr absl::Duration kNextLine = absl::Seconds(30);

}  // namespace

Progress::Progress(std::string what, std::string unit, int64_t total, std::ostream& out,
                   DisplayKind kind, const Clock& clock)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      clock_(clock),
      started_(clock.Now()),
      line_(out, kind) {}

Progress::Progress(std::string what, std::string unit, int64_t total)
    : Progress(std::move(what), std::move(unit), total, std::cerr, DetectDisplayKind()) {}

Progress::~Progress() {
  absl::MutexLock lock(&mu_);
  line_.End();
}

void Progress::Skip(int64_t done) {
  absl::MutexLock lock(&mu_);
  done_ += done;
  skipped_ += done;
}

void Progress::Advance(int64_t done, absl::string_view note) {
  absl::MutexLock lock(&mu_);
  done_ += done;
  const absl::Time now = clock_.Now();
  const absl::Duration pause = line_.kind() == DisplayKind::kTerminal ? kRedraw : kNextLine;
  if (done_ < total_ && now - shown_ < pause) return;
  shown_ = now;
  line_.Show(Line(note));
}

std::string Progress::Line(absl::string_view note) const {
  std::string line = absl::StrCat(what_, " ", done_, "/", total_, " ", unit_);
  const int64_t worked = done_ - skipped_;
  if (done_ < total_ && worked > 0) {
    const absl::Duration left = (clock_.Now() - started_) * (static_cast<double>(total_ - done_)) /
                                static_cast<double>(worked);
    absl::StrAppend(&line, ", ", absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))), " left");
  }
  if (!note.empty()) absl::StrAppend(&line, ", ", note);
  return line;
}

}  // namespace m3lung
