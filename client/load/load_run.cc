// SPDX-License-Identifier: Apache-2.0
#include "client/load/load_run.h"

#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace m3lung::client {
namespace {

constexpr size_t kResultWindows = 3;

// The studies of a load and the threads that send them.
class Load {
 public:
  Load(const LoadOptions& options, const StudySender& send, Clock& clock)
      : options_(options), send_(send), clock_(clock), started_(clock.Now()) {
    for (int i = 0; i < options.concurrency; ++i) senders_.emplace_back([this] { Work(); });
  }

  void Stop() {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    senders_.clear();
  }

  // Lets a window pass. Its studies, those that ended in it, are moved to `studies`.
  LoadWindow PassWindow(std::vector<LoadedStudy>& studies) {
    absl::MutexLock lock(&mu_);
    const absl::Time start = clock_.Now();
    const int slices_before = slices_.load();
    ended_.clear();
    clock_.AwaitUntil(mu_, absl::Condition(this, &Load::Stops), start + options_.window);
    LoadWindow window;
    window.length = clock_.Now() - start;
    window.slices = slices_.load() - slices_before;
    for (const LoadedStudy& study : ended_) window.studies += study.status.ok();
    studies = std::exchange(ended_, {});
    return window;
  }

 private:
  bool Stops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; }

  // When study `number` is due.
  absl::Time Due(int number) const {
    if (options_.studies_per_second <= 0) return absl::InfinitePast();
    return started_ + absl::Seconds(number / options_.studies_per_second);
  }

  void Work() {
    while (true) {
      int number = 0;
      absl::Duration late;
      {
        absl::MutexLock lock(&mu_);
        number = next_++;
        if (clock_.AwaitUntil(mu_, absl::Condition(this, &Load::Stops), Due(number))) return;
        if (options_.studies_per_second > 0) late = clock_.Now() - Due(number);
      }
      LoadedStudy study = send_(number, slices_);
      study.first_result += late;
      study.study += late;
      absl::MutexLock lock(&mu_);
      ended_.push_back(std::move(study));
    }
  }

  const LoadOptions& options_;
  const StudySender& send_;
  Clock& clock_;
  const absl::Time started_;
  std::atomic<int> slices_ = 0;

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int next_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<LoadedStudy> ended_ ABSL_GUARDED_BY(mu_);

  std::vector<std::jthread> senders_;  // last: join before what they use dies
};

}  // namespace

LoadSummary RunLoad(const LoadOptions& options, const StudySender& send, Clock& clock,
                    const std::function<void(const LoadWindow&, bool warms_up)>& on_window) {
  Load load(options, send, clock);
  std::vector<LoadedStudy> of_window;
  on_window(load.PassWindow(of_window), /*warms_up=*/true);

  std::vector<LoadWindow> windows;
  std::vector<std::vector<LoadedStudy>> studies;
  bool stable = false;
  while (!stable && static_cast<int>(windows.size()) < options.most_windows) {
    windows.push_back(load.PassWindow(of_window));
    studies.push_back(std::move(of_window));
    on_window(windows.back(), /*warms_up=*/false);
    stable = IsStable(windows, options.tolerance);
  }
  load.Stop();

  const size_t first = stable ? windows.size() - kResultWindows : 0;
  std::vector<LoadedStudy> counted;
  for (size_t i = first; i < studies.size(); ++i) {
    counted.insert(counted.end(), studies[i].begin(), studies[i].end());
  }
  return Summarize(absl::MakeConstSpan(windows).subspan(first), counted, stable);
}

}  // namespace m3lung::client
