// SPDX-License-Identifier: Apache-2.0
#include "server/model_registry.h"

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::FakeModel;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::MakeFakeModel;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ModelRegistryTest, DescribesAModelOnSeveralDevices) {
  const FakeModel first = MakeFakeModel();
  const FakeModel second = MakeFakeModel();
  auto copy = std::make_shared<Bundle>();
  copy->device = "cuda:1";
  copy->runner = std::make_unique<testing::FakeRunner>();
  first.model->copies.push_back(copy);
  const v1::Model described = DescribeModel(*first.model, /*is_default=*/true);
  EXPECT_EQ(described.device(), "cpu,cuda:1");
  EXPECT_EQ(described.runs_on(), "nothing");
  EXPECT_EQ(described.batches_at_once(), 2);
  EXPECT_TRUE(described.is_default());
  EXPECT_EQ(DescribeModel(*second.model, false).batches_at_once(), 1);
  EXPECT_EQ(DescribeModel(*second.model, false).device(), "cpu");
}

TEST(ModelRegistryTest, AReplacedModelEndsWhenNobodyUsesIt) {
  ModelRegistry models;
  std::shared_ptr<ServedModel> old = MakeFakeModel().model;
  models.Add(old);
  EXPECT_FALSE(models.EndUnused());
  ASSERT_THAT(models.Replace({MakeFakeModel().model}), IsOk());
  EXPECT_FALSE(models.EndUnused());  // in use here
  const std::weak_ptr<ServedModel> gone = old;
  old.reset();
  EXPECT_TRUE(models.EndUnused());
  EXPECT_TRUE(gone.expired());
}

TEST(ModelRegistryTest, ADefaultThatIsNotThereChangesNothing) {
  ModelRegistry models;
  models.Add(MakeFakeModel().model);
  EXPECT_THAT(models.Replace({MakeFakeModel().model}, "other"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("fake")));
  EXPECT_EQ(models.List().size(), 1);
  EXPECT_FALSE(models.EndUnused());
}

}  // namespace
}  // namespace m3lung
