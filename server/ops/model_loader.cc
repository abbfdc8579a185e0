// SPDX-License-Identifier: Apache-2.0
#include "server/ops/model_loader.h"

#include <utility>

namespace m3lung {

ModelLoader::ModelLoader(std::function<absl::Status(std::stop_token)> load,
                         std::function<void()> ended)
    : load_(std::move(load)), ended_(std::move(ended)), thread_([this] { Work(); }) {}

ModelLoader::~ModelLoader() {
  Cancel();
  absl::MutexLock lock(&mu_);
  ending_ = true;
}

void ModelLoader::Begin() {
  absl::MutexLock lock(&mu_);
  loading_ = true;
}

std::optional<absl::Status> ModelLoader::TakeOutcome() {
  absl::MutexLock lock(&mu_);
  return std::exchange(outcome_, std::nullopt);
}

bool ModelLoader::AwaitEnd(Clock& clock, absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  return clock.AwaitUntil(mu_, absl::Condition(this, &ModelLoader::HasEnded), deadline);
}

void ModelLoader::Work() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &ModelLoader::HasWorkOrEnds));
      if (!loading_) return;
    }
    absl::Status outcome = stop_.stop_requested() ? absl::CancelledError("loading was given up")
                                                  : load_(stop_.get_token());
    {
      absl::MutexLock lock(&mu_);
      outcome_ = std::move(outcome);
      loading_ = false;
    }
    ended_();
  }
}

}  // namespace m3lung
