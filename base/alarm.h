// SPDX-License-Identifier: Apache-2.0
// Lets those who wait under a mutex look at their conditions again at a given time.
#ifndef M3LUNG_BASE_ALARM_H_
#define M3LUNG_BASE_ALARM_H_

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "absl/synchronization/mutex.h"

namespace m3lung {

// What absl::Mutex has for this, AwaitWithDeadline(), goes by the wall clock: a step forward ends
// the wait, a step back makes it longer by as much. This one goes by std::chrono::steady_clock.
//
// Thread safety: all methods may be called from any thread.
class Alarm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Alarm();
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // While it lives, `mu` is let go of by somebody soon after `at`, again and again, so that an
  // Await() under it finds that its time has come. Made and destroyed with `mu` held.
  class Setting {
   public:
    Setting(Alarm& alarm, absl::Mutex& mu, Time at);
    ~Setting();
    Setting(const Setting&) = delete;
    Setting& operator=(const Setting&) = delete;

   private:
    Alarm& alarm_;
    std::multimap<Time, absl::Mutex*>::iterator place_;
  };

 private:
  void Watch();

  std::mutex mu_;  // of what follows; taken after a Setting's
  std::condition_variable changed_;
  std::multimap<Time, absl::Mutex*> settings_;
  bool stopping_ = false;

  std::jthread watcher_;  // last: joins before what it uses dies
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_ALARM_H_
