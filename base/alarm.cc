// SPDX-License-Identifier: Apache-2.0
#include "base/alarm.h"

namespace m3lung {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{1};

}  // namespace

Alarm::Alarm() : watcher_([this] { Watch(); }) {}

Alarm::~Alarm() {
  const std::lock_guard lock(mu_);
  stopping_ = true;
  changed_.notify_one();
}

Alarm::Setting::Setting(Alarm& alarm, absl::Mutex& mu, Time at) : alarm_(alarm) {
  const std::lock_guard lock(alarm_.mu_);
  place_ = alarm_.settings_.emplace(at, &mu);
  if (place_ == alarm_.settings_.begin()) alarm_.changed_.notify_one();
}

Alarm::Setting::~Setting() {
  const std::lock_guard lock(alarm_.mu_);
  alarm_.settings_.erase(place_);
}

void Alarm::Watch() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    if (settings_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Time now = std::chrono::steady_clock::now();
    const Time first = settings_.begin()->first;
    if (now < first) {
      changed_.wait_until(lock, first);
      continue;
    }
    for (const auto& [at, mu] : settings_) {
      if (at > now) break;
      // To wait for it here could be for ever: its holder may wait for `mu_`. Whoever holds it
      // looks at the conditions too, when letting go.
      if (mu->TryLock()) mu->Unlock();
    }
    // Its holder may have looked a moment too early.
    changed_.wait_for(lock, kBetweenTries);
  }
}

}  // namespace m3lung
