// SPDX-License-Identifier: Apache-2.0
#include "model/engine/device_lanes.h"

#include <exception>

#include "ATen/Parallel.h"
#include "absl/strings/str_cat.h"
#include "c10/core/impl/VirtualGuardImpl.h"

namespace m3lung {
namespace {

constexpr int kGpuLanes = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceLanes>> DeviceLanes::Create(c10::Device device,
                                                                 CpuShare share) try {
  return std::unique_ptr<DeviceLanes>(new DeviceLanes(device, share));
} catch (const c10::Error& e) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device.str(), " gives no streams: ", e.what_without_backtrace()));
} catch (const std::exception& e) {
  return absl::UnavailableError(
      absl::StrCat("the device ", device.str(), " gives no streams: ", e.what()));
}

DeviceLanes::DeviceLanes(c10::Device device, CpuShare share) {
  if (device.is_cpu()) {
    streams_.resize(share.lanes);
    threads_ = share.threads;
  } else {
    // What is the same for every kind of device, so that CUDA need not be linked.
    const c10::impl::VirtualGuardImpl runtime(device.type());
    for (int lane = 0; lane < kGpuLanes; ++lane) {
      streams_.emplace_back(runtime.getStreamFromGlobalPool(device));
    }
  }
  const absl::MutexLock lock(&mu_);
  for (int lane = 0; lane < count(); ++lane) free_.push_back(lane);
}

int DeviceLanes::Take() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &DeviceLanes::HasFree));
  const int lane = free_.back();
  free_.pop_back();
  return lane;
}

void DeviceLanes::Give(int lane) {
  absl::MutexLock lock(&mu_);
  free_.push_back(lane);
}

DeviceLanes::Use::Use(DeviceLanes& lanes) : lanes_(lanes), lane_(lanes.Take()) {
  if (lanes.streams_[lane_].has_value()) guard_.emplace(*lanes.streams_[lane_]);
  // Each thread of ours has its own number of those that help it.
  if (lanes.threads_ > 0 && at::get_num_threads() != lanes.threads_) {
    at::set_num_threads(lanes.threads_);
  }
}

DeviceLanes::Use::~Use() {
  guard_.reset();
  lanes_.Give(lane_);
}

}  // namespace m3lung
