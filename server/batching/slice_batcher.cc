// SPDX-License-Identifier: Apache-2.0
#include "server/batching/slice_batcher.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace m3lung {
namespace {

constexpr char kStopping[] = "the server is stopping";

// A runner that throws has failed as one that says so, and its thread goes on.
absl::StatusOr<std::vector<SliceScores>> Score(InferenceRunner& runner,
                                               absl::Span<const int16_t* const> slices) try {
  return runner.ScoreSlices(slices);
} catch (const std::exception& e) {
  return absl::InternalError(absl::StrCat("slice network: ", e.what()));
}

absl::Status Check(InferenceRunner& runner) try {
  return runner.CheckDevice();
} catch (const std::exception&) {
  return absl::UnavailableError("the device of the networks can no longer compute");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SliceBatcher>> SliceBatcher::Create(
    BatcherOptions options, const std::vector<InferenceRunner*>& runners, Clock& clock,
    BatcherEvents events) {
  M3L_ASSIGN_OR_RETURN(BatchPlan plan, BatchPlan::Create(std::move(options.sizes)));
  if (options.max_wait < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a batch's longest wait must not be negative; was ",
                     absl::FormatDuration(options.max_wait)));
  }
  if (options.urgent_in_a_row < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("urgent slices in a row must be at least 1; were ", options.urgent_in_a_row));
  }
  return std::unique_ptr<SliceBatcher>(
      new SliceBatcher(options, std::move(plan), runners, clock, std::move(events)));
}

SliceBatcher::SliceBatcher(const BatcherOptions& options, BatchPlan plan,
                           const std::vector<InferenceRunner*>& runners, Clock& clock,
                           BatcherEvents events)
    : max_wait_(options.max_wait),
      most_urgent_in_a_row_(options.urgent_in_a_row),
      plan_(std::move(plan)),
      clock_(clock),
      events_(std::move(events)) {
  for (InferenceRunner* runner : runners) {
    for (int i = 0; i < runner->concurrent_batches(); ++i) {
      workers_.emplace_back([this, runner] { Work(*runner); });
    }
  }
}

void SliceBatcher::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  workers_.clear();
  std::vector<Pending> left;
  {
    absl::MutexLock lock(&mu_);
    for (Queue* queue : {&urgent_, &routine_}) {
      for (auto& [study, pending] : queue->by_study) {
        std::move(pending.begin(), pending.end(), std::back_inserter(left));
      }
      queue->by_study.clear();
      queue->turns.clear();
    }
    queued_ = 0;
  }
  for (Pending& pending : left) pending.task.done(absl::CancelledError(kStopping), {});
}

absl::Status SliceBatcher::Submit(SliceTask task) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (stopping_) return absl::UnavailableError(kStopping);
  Queue& queue = task.urgent ? urgent_ : routine_;
  std::deque<Pending>& study = queue.by_study[task.study];
  if (study.empty()) queue.turns.push_back(task.study);
  study.push_back({std::move(task), now});
  ++queued_;
  return absl::OkStatus();
}

int SliceBatcher::queued() const {
  absl::MutexLock lock(&mu_);
  return queued_;
}

void SliceBatcher::Work(InferenceRunner& runner) {
  while (true) {
    std::vector<Pending> batch = NextBatch();
    if (batch.empty()) return;
    RunBatch(runner, std::move(batch));
  }
}

// Waits for a batch to be ready. Empty when the batcher stops.
std::vector<SliceBatcher::Pending> SliceBatcher::NextBatch() {
  while (true) {
    std::vector<Pending> batch, dead;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &SliceBatcher::HasTaskOrStops));
      if (!stopping_) {
        // Another batch thread may take what this one waits to fill up.
        clock_.AwaitUntil(mu_, absl::Condition(this, &SliceBatcher::IsFullOrStops),
                          OldestSubmitted() + max_wait_);
      }
      if (stopping_) return {};
      dead = TakeDead();
      if (queued_ > 0) batch = TakeTurns(std::min(queued_, plan_.Next(queued_)));
    }
    for (Pending& pending : dead) {
      const Cancellation* cancellation = pending.task.cancellation.get();
      pending.task.done(cancellation != nullptr && cancellation->cancelled()
                            ? absl::CancelledError("given up before it was scored")
                            : absl::DeadlineExceededError("came to its deadline unscored"),
                        {});
    }
    if (!batch.empty()) return batch;
  }
}

std::vector<SliceBatcher::Pending> SliceBatcher::TakeTurns(int wanted) {
  std::vector<Pending> batch;
  for (int i = 0; i < wanted; ++i) {
    const bool others_turn = !routine_.turns.empty() && urgent_in_a_row_ >= most_urgent_in_a_row_;
    Queue& queue = urgent_.turns.empty() || others_turn ? routine_ : urgent_;
    urgent_in_a_row_ = &queue == &urgent_ && !routine_.turns.empty() ? urgent_in_a_row_ + 1 : 0;

    const uint64_t study = queue.turns.front();
    queue.turns.pop_front();
    const auto at = queue.by_study.find(study);
    batch.push_back(std::move(at->second.front()));
    at->second.pop_front();
    --queued_;
    if (at->second.empty()) {
      queue.by_study.erase(at);
    } else {
      queue.turns.push_back(study);
    }
  }
  return batch;
}

// The slices of studies that were given up or have come to their deadline.
std::vector<SliceBatcher::Pending> SliceBatcher::TakeDead() {
  const absl::Time now = clock_.Now();
  std::vector<Pending> dead;
  for (Queue* queue : {&urgent_, &routine_}) {
    for (auto turn = queue->turns.begin(); turn != queue->turns.end();) {
      const auto study = queue->by_study.find(*turn);
      std::deque<Pending>& pending = study->second;
      // One study, one cancellation and one deadline: its first slice speaks for all.
      const SliceTask& first = pending.front().task;
      const bool is_cancelled = first.cancellation != nullptr && first.cancellation->cancelled();
      if (!is_cancelled && now < first.deadline) {
        ++turn;
        continue;
      }
      queued_ -= static_cast<int>(pending.size());
      std::move(pending.begin(), pending.end(), std::back_inserter(dead));
      queue->by_study.erase(study);
      turn = queue->turns.erase(turn);
    }
  }
  return dead;
}

absl::Time SliceBatcher::OldestSubmitted() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const Queue* queue : {&urgent_, &routine_}) {
    for (const auto& [study, pending] : queue->by_study) {
      oldest = std::min(oldest, pending.front().submitted);
    }
  }
  return oldest;
}

void SliceBatcher::RunBatch(InferenceRunner& runner, std::vector<Pending> batch) {
  const int slices = static_cast<int>(batch.size());
  const int size = plan_.LeastHolding(slices);
  std::vector<const int16_t*> hu;
  std::set<uint64_t> studies;
  for (const Pending& pending : batch) {
    hu.push_back(pending.task.hu.data());
    studies.insert(pending.task.study);
  }
  hu.resize(size, hu.front());

  const absl::Time start = clock_.Now();
  absl::StatusOr<std::vector<SliceScores>> scores = Score(runner, hu);
  const absl::Duration duration = clock_.Now() - start;
  events_.batch_run({.slices = slices,
                     .filled = size - slices,
                     .studies = static_cast<int>(studies.size()),
                     .duration = duration});
  if (!scores.ok()) {
    if (const absl::Status device = Check(runner); !device.ok()) {
      events_.device_failed(device);
      scores = absl::UnavailableError("the device that runs the networks has failed");
    }
  }

  for (int i = 0; i < slices; ++i) {
    const SliceCost cost = {.queued = start - batch[i].submitted, .scored = duration / slices};
    if (scores.ok()) {
      batch[i].task.done(std::move((*scores)[i]), cost);
    } else {
      batch[i].task.done(scores.status(), cost);
    }
  }
}

}  // namespace m3lung
