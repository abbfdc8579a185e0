// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/optimizer.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "torch/optim/adamw.h"
#include "torch/optim/sgd.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(OptimizerTest, NamesAreReadBack) {
  EXPECT_EQ(OptimizerName(OptimizerKind::kAdam), "adam");
  EXPECT_EQ(OptimizerName(OptimizerKind::kSgd), "sgd");
  for (const OptimizerKind kind : kOptimizerKinds) {
    M3L_ASSERT_OK_AND_ASSIGN(const OptimizerKind read, ParseOptimizer(OptimizerName(kind)));
    EXPECT_EQ(read, kind);
  }
  EXPECT_THAT(ParseOptimizer("adamw"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("adam or sgd"), HasSubstr("\"adamw\""))));
}

TEST(OptimizerTest, EachIsMadeWithItsOptions) {
  const auto sgd = MakeOptimizer(OptimizerKind::kSgd, {torch::zeros({1})}, 0.25, 0.125, 0.5);
  ASSERT_NE(dynamic_cast<torch::optim::SGD*>(sgd.get()), nullptr);
  const auto& options = static_cast<torch::optim::SGDOptions&>(sgd->param_groups()[0].options());
  EXPECT_EQ(options.lr(), 0.25);
  EXPECT_EQ(options.weight_decay(), 0.125);
  EXPECT_EQ(options.momentum(), 0.5);

  const auto adam = MakeOptimizer(OptimizerKind::kAdam, {torch::zeros({1})}, 0.25, 0.125);
  ASSERT_NE(dynamic_cast<torch::optim::AdamW*>(adam.get()), nullptr);
  EXPECT_EQ(adam->param_groups()[0].options().get_lr(), 0.25);
}

}  // namespace
}  // namespace m3lung
