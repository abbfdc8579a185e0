// SPDX-License-Identifier: Apache-2.0
// The bytes of studies that the process may hold, shared by all of them.
#ifndef M3LUNG_SERVER_OPS_MEMORY_BUDGET_H_
#define M3LUNG_SERVER_OPS_MEMORY_BUDGET_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace m3lung {

// Thread safety: all methods may be called from any thread.
class MemoryBudget {
 public:
  // `make_room` is called with the bytes that were taken, before they are used, on the thread that
  // took them.
  explicit MemoryBudget(
      int64_t bytes, std::function<void(int64_t)> make_room = [](int64_t) {})
      : bytes_(bytes), make_room_(std::move(make_room)) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // False, and nothing is taken, where there are not so many left.
  bool Take(int64_t bytes) {
    int64_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken + bytes > bytes_) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    make_room_(bytes);
    return true;
  }
  void Give(int64_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

  int64_t bytes() const { return bytes_; }
  // May have changed by the time that it is looked at.
  int64_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const int64_t bytes_;
  const std::function<void(int64_t)> make_room_;
  std::atomic<int64_t> taken_ = 0;
};

// One study's part of the budget: what it holds, or what was set aside for it, if
// that is more.
//
// Thread safety: none; the session's lock guards it.
// REQUIRES: the budget outlives it.
class BudgetShare {
 public:
  explicit BudgetShare(MemoryBudget& budget) : budget_(budget) {}
  ~BudgetShare() { Release(); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // Sets aside `bytes` in all. False, and nothing changes, where the budget lacks them.
  bool SetAside(int64_t bytes) { return Become(held_, bytes); }
  // Holds so many more, or fewer where negative. False, and nothing changes, where
  // the budget lacks them.
  bool Hold(int64_t bytes) { return Become(held_ + bytes, set_aside_); }
  // Gives all back.
  void Release() { Become(0, 0); }

  int64_t held() const { return held_; }

 private:
  bool Become(int64_t held, int64_t set_aside) {
    const int64_t more = std::max(held, set_aside) - std::max(held_, set_aside_);
    if (more > 0 && !budget_.Take(more)) return false;
    if (more < 0) budget_.Give(-more);
    held_ = held;
    set_aside_ = set_aside;
    return true;
  }

  MemoryBudget& budget_;
  int64_t held_ = 0;
  int64_t set_aside_ = 0;
};

}  // namespace m3lung

#endif  // M3LUNG_SERVER_OPS_MEMORY_BUDGET_H_
