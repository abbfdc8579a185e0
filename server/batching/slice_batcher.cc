#include "server/batching/slice_batcher.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

constexpr char kStopping[] = "the server is stopping";

}  // namespace

absl::StatusOr<std::unique_ptr<SliceBatcher>> SliceBatcher::Create(
    BatcherOptions options, InferenceRunner& runner, Clock& clock,
    std::function<void(const BatchReport&)> on_batch) {
  if (options.sizes.empty()) return absl::InvalidArgumentError("batch sizes: none given");
  int previous = 0;
  for (const int size : options.sizes) {
    if (size <= previous) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch sizes must be positive and rise; ", size, " follows ", previous));
    }
    previous = size;
  }
  if (options.max_wait < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a batch's longest wait must not be negative; was ",
                     absl::FormatDuration(options.max_wait)));
  }
  return std::unique_ptr<SliceBatcher>(
      new SliceBatcher(std::move(options), runner, clock, std::move(on_batch)));
}

SliceBatcher::SliceBatcher(BatcherOptions options, InferenceRunner& runner, Clock& clock,
                           std::function<void(const BatchReport&)> on_batch)
    : options_(std::move(options)),
      runner_(runner),
      clock_(clock),
      on_batch_(std::move(on_batch)),
      worker_([this] { Work(); }) {}

void SliceBatcher::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (worker_.joinable()) worker_.join();
  std::vector<Pending> left;
  {
    absl::MutexLock lock(&mu_);
    for (Lane* lane : {&urgent_, &routine_}) {
      for (auto& [study, pending] : lane->by_study) {
        std::move(pending.begin(), pending.end(), std::back_inserter(left));
      }
      lane->by_study.clear();
      lane->turns.clear();
    }
    queued_ = 0;
  }
  for (Pending& pending : left) pending.task.done(absl::CancelledError(kStopping), {});
}

absl::Status SliceBatcher::Submit(SliceTask task) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (stopping_) return absl::UnavailableError(kStopping);
  Lane& lane = task.urgent ? urgent_ : routine_;
  std::deque<Pending>& study = lane.by_study[task.study];
  if (study.empty()) lane.turns.push_back(task.study);
  study.push_back({std::move(task), now});
  ++queued_;
  return absl::OkStatus();
}

int SliceBatcher::queued() const {
  absl::MutexLock lock(&mu_);
  return queued_;
}

void SliceBatcher::Work() {
  while (true) {
    std::vector<Pending> batch = NextBatch();
    if (batch.empty()) return;
    RunBatch(std::move(batch));
  }
}

// Waits for a batch to be ready. Empty when the batcher stops.
std::vector<SliceBatcher::Pending> SliceBatcher::NextBatch() {
  while (true) {
    std::vector<Pending> batch, dropped;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &SliceBatcher::HasTaskOrStops));
      if (!stopping_) {
        clock_.AwaitUntil(mu_, absl::Condition(this, &SliceBatcher::IsFullOrStops),
                          OldestSubmitted() + options_.max_wait);
      }
      if (stopping_) return {};
      DropCancelled(dropped);
      TakeTurns(urgent_, options_.sizes.back(), batch);
      TakeTurns(routine_, options_.sizes.back(), batch);
    }
    for (Pending& pending : dropped) {
      pending.task.done(absl::CancelledError("given up before it was scored"), {});
    }
    if (!batch.empty()) return batch;
  }
}

void SliceBatcher::TakeTurns(Lane& lane, size_t wanted, std::vector<Pending>& batch) {
  while (batch.size() < wanted && !lane.turns.empty()) {
    const uint64_t study = lane.turns.front();
    lane.turns.pop_front();
    const auto at = lane.by_study.find(study);
    batch.push_back(std::move(at->second.front()));
    at->second.pop_front();
    --queued_;
    if (at->second.empty()) {
      lane.by_study.erase(at);
    } else {
      lane.turns.push_back(study);
    }
  }
}

void SliceBatcher::DropCancelled(std::vector<Pending>& dropped) {
  for (Lane* lane : {&urgent_, &routine_}) {
    for (auto turn = lane->turns.begin(); turn != lane->turns.end();) {
      const auto study = lane->by_study.find(*turn);
      std::deque<Pending>& pending = study->second;
      // One study, one cancellation: its first slice speaks for all.
      const Cancellation* cancellation = pending.front().task.cancellation.get();
      if (cancellation == nullptr || !cancellation->cancelled()) {
        ++turn;
        continue;
      }
      queued_ -= static_cast<int>(pending.size());
      std::move(pending.begin(), pending.end(), std::back_inserter(dropped));
      lane->by_study.erase(study);
      turn = lane->turns.erase(turn);
    }
  }
}

absl::Time SliceBatcher::OldestSubmitted() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const Lane* lane : {&urgent_, &routine_}) {
    for (const auto& [study, pending] : lane->by_study) {
      oldest = std::min(oldest, pending.front().submitted);
    }
  }
  return oldest;
}

void SliceBatcher::RunBatch(std::vector<Pending> batch) {
  const int slices = static_cast<int>(batch.size());
  const int size = *std::lower_bound(options_.sizes.begin(), options_.sizes.end(), slices);
  std::vector<const int16_t*> hu;
  std::set<uint64_t> studies;
  for (const Pending& pending : batch) {
    hu.push_back(pending.task.hu.data());
    studies.insert(pending.task.study);
  }
  hu.resize(size, hu.front());

  const absl::Time start = clock_.Now();
  absl::StatusOr<std::vector<SliceScores>> scores = runner_.ScoreSlices(hu);
  const absl::Duration duration = clock_.Now() - start;
  on_batch_({.slices = slices,
             .filled = size - slices,
             .studies = static_cast<int>(studies.size()),
             .duration = duration});

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
