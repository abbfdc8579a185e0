// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_plan.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> Next(std::vector<BatchSize> sizes, int up_to) {
  const auto plan = BatchPlan::Create(std::move(sizes));
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::vector<int> next;
  for (int waiting = 1; waiting <= up_to; ++waiting) next.push_back(plan->Next(waiting));
  return next;
}

BatchSize Size(int slices, int milliseconds) {
  return {.slices = slices, .duration = absl::Milliseconds(milliseconds)};
}

TEST(BatchPlanTest, FillsUpWhereALargeBatchCostsLittleMore) {
  EXPECT_THAT(Next({Size(1, 10), Size(4, 12)}, 5), ElementsAre(1, 4, 4, 4, 4));
}

TEST(BatchPlanTest, FillsNothingUpWhereEachSliceCostsTheSame) {
  EXPECT_THAT(Next({Size(1, 10), Size(4, 40)}, 6), ElementsAre(1, 1, 1, 4, 4, 4));
}

TEST(BatchPlanTest, SplitsWhereThatIsSoonest) {
  // Three of them: two and one take 28 ms, four filled up 34.
  EXPECT_THAT(Next({Size(1, 10), Size(2, 18), Size(4, 34)}, 4), ElementsAre(1, 2, 2, 4));
}

TEST(BatchPlanTest, AvoidsALargeBatchThatIsSlow) {
  EXPECT_THAT(Next({Size(1, 10), Size(2, 15), Size(4, 90)}, 9),
              ElementsAre(1, 2, 2, 2, 2, 2, 2, 2, 2));
}

TEST(BatchPlanTest, TakesTheLeastThatHoldsAllWhereNothingIsKnown) {
  EXPECT_THAT(Next({{.slices = 1}, {.slices = 2}, {.slices = 4}}, 6),
              ElementsAre(1, 2, 4, 4, 4, 4));
}

TEST(BatchPlanTest, KnowsTheLeastSizeThatHoldsSoMany) {
  const auto plan = BatchPlan::Create({Size(1, 10), Size(4, 12)});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->largest(), 4);
  EXPECT_EQ(plan->LeastHolding(1), 1);
  EXPECT_EQ(plan->LeastHolding(2), 4);
}

TEST(BatchPlanTest, RefusesWhatMakesNoSense) {
  const auto create = [](std::vector<BatchSize> sizes) {
    return BatchPlan::Create(std::move(sizes)).status();
  };
  EXPECT_THAT(create({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("none given")));
  EXPECT_THAT(create({{.slices = 0}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 follows 0")));
  EXPECT_THAT(create({{.slices = 4}, {.slices = 4}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4 follows 4")));
  EXPECT_THAT(create({Size(1, 10), {.slices = 4}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("durations")));
  EXPECT_THAT(create({Size(1, -1)}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("durations")));
}

}  // namespace
}  // namespace m3lung
