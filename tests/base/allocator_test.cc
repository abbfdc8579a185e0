// SPDX-License-Identifier: Apache-2.0
#include "base/allocator.h"

#include <cstring>
#include <memory>
#include <vector>

#include "base/machine.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
// Linux adds to the count of a process's memory in batches of some pages a processor: it may lag
// behind by so much, a tiny part of what the tests take.
constexpr int64_t kNotYetCounted = kMiB;

// Takes memory in pieces of the size of a large image, uses it and frees it; of each piece
// a little stays behind it, so that none lies at a heap's end.
std::vector<std::unique_ptr<char[]>> TakeAndFree(int pieces, int64_t bytes) {
  std::vector<std::unique_ptr<char[]>> taken, kept;
  for (int i = 0; i < pieces; ++i) {
    taken.push_back(std::make_unique<char[]>(bytes));
    std::memset(taken.back().get(), 1, bytes);
    kept.push_back(std::make_unique<char[]>(1024));
  }
  return kept;
}

TEST(AllocatorTest, KeepsWhatIsFreeUntilTheLimitIsNear) {
  TuneAllocator();
  const int64_t before = ResidentMemory();
  ASSERT_GT(before, 0);
  const auto kept = TakeAndFree(8, 32 * kMiB);
  const int64_t freed = ResidentMemory();
  EXPECT_GE(freed, before + 8 * 32 * kMiB - kNotYetCounted);

  ReleaseFreeMemoryNear(4 * freed, 0);
  EXPECT_GE(ResidentMemory(), freed - kNotYetCounted) << "the limit is far";

  ReleaseFreeMemoryNear(4 * freed, 3 * freed);
  EXPECT_LT(ResidentMemory(), before + 32 * kMiB) << "with what is to come, the limit is near";
}

TEST(AllocatorTest, ResidentMemoryGrowsByWhatIsUsed) {
  const int64_t before = ResidentMemory();
  const auto used = std::make_unique<char[]>(64 * kMiB);
  std::memset(used.get(), 1, 64 * kMiB);
  EXPECT_NEAR(static_cast<double>(ResidentMemory() - before), 64.0 * kMiB, 16.0 * kMiB);
}

}  // namespace
}  // namespace m3lung
