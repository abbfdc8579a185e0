// SPDX-License-Identifier: Apache-2.0
// Loads models while the program listens to what is asked of it.
#ifndef M3LUNG_SERVER_OPS_MODEL_LOADER_H_
#define M3LUNG_SERVER_OPS_MODEL_LOADER_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace m3lung {

// One thread for the loader's life, so that what libraries keep for a thread is kept once.
//
// Thread safety: one thread calls all methods.
class ModelLoader {
 public:
  // `load` is run on the loader's thread, and should return soon once its token asks it to stop;
  // `ended` is called there after each run.
  ModelLoader(std::function<absl::Status(std::stop_token)> load, std::function<void()> ended);
  // Cancels, and waits for what goes on to end.
  ~ModelLoader();
  ModelLoader(const ModelLoader&) = delete;
  ModelLoader& operator=(const ModelLoader&) = delete;

  // REQUIRES: nothing goes on, and the last outcome was taken.
  void Begin();
  // What `load` returned, once after each Begin().
  std::optional<absl::Status> TakeOutcome();

  // Asks what goes on to stop. Nothing can begin after it.
  void Cancel() { stop_.request_stop(); }
  // Whether nothing goes on any more; waits for that until `deadline`.
  bool AwaitEnd(Clock& clock, absl::Time deadline);

 private:
  void Work();
  bool HasEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !loading_; }
  bool HasWorkOrEnds() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return loading_ || ending_; }

  const std::function<absl::Status(std::stop_token)> load_;
  const std::function<void()> ended_;
  std::stop_source stop_;

  absl::Mutex mu_;
  bool loading_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> outcome_ ABSL_GUARDED_BY(mu_);

  std::jthread thread_;  // last: joins before what it uses dies
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_MODEL_LOADER_H_
