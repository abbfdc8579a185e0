#include "training/cohort/progress.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

constexpr char kClearLine[] = "\r\x1b[K";

int TenthOf(int done, int total) { return total <= 0 ? 10 : 10 * done / total; }

}  // namespace

Progress::Progress(std::string what, int total, int done, bool on_terminal, std::ostream& out,
                   const Clock& clock)
    : what_(std::move(what)),
      total_(total),
      done_before_(done),
      on_terminal_(on_terminal),
      clock_(clock),
      started_(clock.Now()),
      out_(out),
      done_(done),
      shown_tenth_(TenthOf(done, total)) {}

std::string Progress::Line() const {
  std::string line = absl::StrCat(done_, " of ", total_, " ", what_);
  const int now = done_ - done_before_;
  if (now <= 0 || done_ >= total_) return line;
  const absl::Duration left = (clock_.Now() - started_) / now * (total_ - done_);
  const absl::Duration unit = left < absl::Minutes(2) ? absl::Seconds(1) : absl::Minutes(1);
  absl::StrAppend(&line, ", about ", absl::FormatDuration(absl::Ceil(left, unit)), " left");
  return line;
}

void Progress::Advance() {
  const absl::MutexLock lock(&mu_);
  ++done_;
  if (on_terminal_) {
    out_ << kClearLine << Line() << std::flush;
    line_is_open_ = true;
    return;
  }
  // A line at each tenth, and one after the first unit for its estimate.
  const int tenth = TenthOf(done_, total_);
  if (tenth == shown_tenth_ && done_ != done_before_ + 1) return;
  shown_tenth_ = tenth;
  out_ << Line() << "\n" << std::flush;
}

void Progress::Close() {
  const absl::MutexLock lock(&mu_);
  if (line_is_open_) out_ << "\n" << std::flush;
  line_is_open_ = false;
}

}  // namespace m3lung
