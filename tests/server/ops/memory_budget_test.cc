// SPDX-License-Identifier: Apache-2.0
#include "server/ops/memory_budget.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace m3lung {
namespace {

TEST(MemoryBudgetTest, GivesAllOrNothing) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  EXPECT_EQ(budget.taken(), 60);
  EXPECT_TRUE(budget.Take(40));
  budget.Give(100);
  EXPECT_EQ(budget.taken(), 0);
}

TEST(MemoryBudgetTest, MakesRoomForWhatWasTakenAndForNothingElse) {
  std::vector<int64_t> room;
  MemoryBudget budget(100, [&](int64_t bytes) { room.push_back(bytes); });
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  budget.Give(20);
  BudgetShare share(budget);
  EXPECT_TRUE(share.Hold(30));
  EXPECT_TRUE(share.Hold(-10));
  EXPECT_EQ(room, (std::vector<int64_t>{60, 30}));
}

TEST(MemoryBudgetTest, IsNeverOverdrawnByManyAtOnce) {
  MemoryBudget budget(10);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (int k = 0; k < 10000; ++k) {
        if (!budget.Take(4)) continue;
        EXPECT_LE(budget.taken(), 10);
        budget.Give(4);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(budget.taken(), 0);
}

TEST(BudgetShareTest, HoldsFromWhatWasSetAside) {
  MemoryBudget budget(100);
  BudgetShare share(budget);
  EXPECT_TRUE(share.SetAside(50));
  EXPECT_EQ(budget.taken(), 50);
  EXPECT_TRUE(share.Hold(30));
  EXPECT_EQ(budget.taken(), 50);
  EXPECT_TRUE(share.Hold(40));
  EXPECT_EQ(budget.taken(), 70);
  EXPECT_TRUE(share.Hold(-60));
  EXPECT_EQ(budget.taken(), 50);
  EXPECT_TRUE(share.SetAside(0));
  EXPECT_EQ(budget.taken(), 10);
}

TEST(BudgetShareTest, ChangesNothingWhereTheBudgetIsSpent) {
  MemoryBudget budget(100);
  BudgetShare one(budget), other(budget);
  EXPECT_TRUE(one.Hold(80));
  EXPECT_FALSE(other.Hold(21));
  EXPECT_FALSE(other.SetAside(21));
  EXPECT_EQ(other.held(), 0);
  EXPECT_TRUE(other.Hold(20));
  EXPECT_EQ(budget.taken(), 100);
}

TEST(BudgetShareTest, GivesAllBackAtItsEnd) {
  MemoryBudget budget(100);
  {
    BudgetShare share(budget);
    EXPECT_TRUE(share.SetAside(70));
    EXPECT_TRUE(share.Hold(90));
  }
  EXPECT_EQ(budget.taken(), 0);
}

}  // namespace
}  // namespace m3lung
