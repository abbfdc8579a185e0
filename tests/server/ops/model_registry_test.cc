// SPDX-License-Identifier: Apache-2.0
#include "server/ops/model_registry.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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

std::shared_ptr<ServedModel> Named(const char* name, const char* version) {
  const std::shared_ptr<ServedModel> model = MakeFakeModel().model;
  model->reference.set_name(name);
  model->reference.set_version(version);
  return model;
}

// "name version" of what is found, "none" where nothing is.
std::string Found(const ModelRegistry& models, const char* name, const char* version) {
  const absl::StatusOr<std::shared_ptr<ServedModel>> found = models.Find(name, version);
  if (!found.ok()) return "none";
  return absl::StrCat((*found)->reference.name(), " ", (*found)->reference.version());
}

TEST(ModelRegistryTest, TheNewestVersionAnswersWhereNoneIsNamed) {
  ModelRegistry models;
  ASSERT_THAT(models.Replace({Named("a", "9"), Named("a", "10"), Named("b", "1")}), IsOk());
  EXPECT_EQ(Found(models, "", ""), "a 10");
  EXPECT_EQ(Found(models, "a", ""), "a 10");
  EXPECT_EQ(Found(models, "a", "9"), "a 9");
  EXPECT_EQ(Found(models, "", "9"), "a 9");
  EXPECT_EQ(Found(models, "b", ""), "b 1");
  EXPECT_EQ(Found(models, "b", "10"), "none");
  EXPECT_EQ(Found(models, "c", ""), "none");
  const std::vector<v1::Model> listed = models.List();
  ASSERT_EQ(listed.size(), 3);
  EXPECT_EQ(listed[0].reference().version(), "9");
  EXPECT_FALSE(listed[0].is_default());
  EXPECT_EQ(listed[1].reference().version(), "10");
  EXPECT_TRUE(listed[1].is_default());
  EXPECT_FALSE(listed[2].is_default());
}

TEST(ModelRegistryTest, TheConfiguredNameIsTheDefault) {
  ModelRegistry models;
  ASSERT_THAT(models.Replace({Named("a", "1"), Named("b", "1"), Named("b", "2")}, "b"), IsOk());
  EXPECT_EQ(Found(models, "", ""), "b 2");
  EXPECT_EQ(Found(models, "", "1"), "b 1");
  EXPECT_FALSE(models.List()[0].is_default());
  EXPECT_TRUE(models.List()[2].is_default());
}

TEST(ModelRegistryTest, AModelIsFoundByItsDigest) {
  ModelRegistry models;
  const std::shared_ptr<ServedModel> first = Named("a", "1"), second = Named("a", "2");
  first->reference.set_digest("one");
  second->reference.set_digest("two");
  ASSERT_THAT(models.Replace({first, second}), IsOk());
  EXPECT_EQ(models.FindDigest("one"), first);
  EXPECT_EQ(models.FindDigest("two"), second);
  EXPECT_EQ(models.FindDigest("three"), nullptr);
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
