// SPDX-License-Identifier: Apache-2.0
#include "model/engine/concurrent_batches.h"

#include <exception>

#include "ATen/Parallel.h"
#include "absl/strings/str_cat.h"
#include "c10/core/impl/VirtualGuardImpl.h"

namespace m3lung {
namespace {

constexpr int kGpuBatches = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<ConcurrentBatches>> ConcurrentBatches::Create(
    c10::Device device, BatchThreads threads) try {
  return std::unique_ptr<ConcurrentBatches>(new ConcurrentBatches(device, threads));
} catch (const c10::Error& e) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device.str(), " gives no streams: ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device.str(), " gives no streams: ", e.what()));
}

ConcurrentBatches::ConcurrentBatches(c10::Device device, BatchThreads threads) {
  if (device.is_cpu()) {
    streams_.resize(threads.batches);
    threads_ = threads.threads;
  } else {
    // What is the same for every kind of device, so that CUDA need not be linked.
    const c10::impl::VirtualGuardImpl runtime(device.type());
    for (int slot = 0; slot < kGpuBatches; ++slot) {
      streams_.emplace_back(runtime.getStreamFromGlobalPool(device));
    }
  }
  const absl::MutexLock lock(&mu_);
  for (int slot = 0; slot < count(); ++slot) free_.push_back(slot);
}

int ConcurrentBatches::Take() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &ConcurrentBatches::HasFree));
  const int slot = free_.back();
  free_.pop_back();
  return slot;
}

void ConcurrentBatches::Give(int slot) {
  absl::MutexLock lock(&mu_);
  free_.push_back(slot);
}

ConcurrentBatches::Slot::Slot(ConcurrentBatches& batches)
    : batches_(batches), slot_(batches.Take()) {
  if (batches.streams_[slot_].has_value()) guard_.emplace(*batches.streams_[slot_]);
  // Each thread of ours has its own number of those that help it.
  if (batches.threads_ > 0 && at::get_num_threads() != batches.threads_) {
    at::set_num_threads(batches.threads_);
  }
}

ConcurrentBatches::Slot::~Slot() {
  guard_.reset();
  batches_.Give(slot_);
}

}  // namespace m3lung
