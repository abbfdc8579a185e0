// SPDX-License-Identifier: Apache-2.0
// An executor that runs its work at once, in the thread that gives it.
#ifndef M3LUNG_TESTS_TESTING_INLINE_EXECUTOR_H_
#define M3LUNG_TESTS_TESTING_INLINE_EXECUTOR_H_

#include <functional>

#include "base/thread_pool.h"

namespace m3lung::testing {

class InlineExecutor final : public Executor {
 public:
  void Run(std::function<void()> work) override { work(); }
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_INLINE_EXECUTOR_H_
