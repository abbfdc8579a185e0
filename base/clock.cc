// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include "absl/time/clock.h"
#include "base/alarm.h"

namespace m3lung {
namespace {

class SteadyClock final : public Clock {
 public:
  absl::Time Now() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  bool AwaitUntil(absl::Mutex& mu, const absl::Condition& condition, absl::Time deadline) override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    if (deadline == absl::InfiniteFuture()) {
      mu.Await(condition);
      return true;
    }
    const auto met_or_late = [&] { return condition.Eval() || Now() >= deadline; };
    if (!met_or_late()) {
      const Alarm::Setting setting(
          alarm_, mu, Alarm::Time(absl::ToChronoNanoseconds(deadline - absl::UnixEpoch())));
      mu.Await(absl::Condition(&met_or_late));
    }
    return condition.Eval();
  }

 private:
  Alarm alarm_;
};

}  // namespace

absl::Time Clock::WhenWallShows(std::chrono::system_clock::time_point wall) const {
  if (wall == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return Now() + (absl::FromChrono(wall) - absl::Now());
}

Clock& Clock::Real() {
  static SteadyClock* const clock = new SteadyClock;
  return *clock;
}

}  // namespace m3lung
