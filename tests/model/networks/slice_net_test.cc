// SPDX-License-Identifier: Apache-2.0
#include "model/networks/slice_net.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::MakeTinySliceNet;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TinySliceOptions;
using ::testing::HasSubstr;

class SliceNetTest : public ::testing::Test {
  const torch::NoGradGuard no_grad_;
};

TEST_F(SliceNetTest, FullWidthHasThePapersSizes) {
  const SliceNetOptions options;
  EXPECT_THAT(Validate(options), IsOk());
  EXPECT_EQ(options.feature_size(), 3072);
  EXPECT_EQ(options.map_size(), 32);
  SliceNet net(options);
  int64_t parameters = 0;
  for (const auto& parameter : net->parameters()) parameters += parameter.numel();
  // ResNet-50 without its head has 23,508,032; then the classifiers, and four
  // more inputs of ResBlock4's first convolution and skip.
  EXPECT_EQ(parameters, 23508032 + (2048 * 4 + 4) + (1024 * 2 + 2) + 4 * 512 + 4 * 2048);
}

TEST_F(SliceNetTest, BackboneBearsTorchvisionsNames) {
  SliceNet net(SliceNetOptions{.base_width = 1});
  std::set<std::string> names;
  for (const auto& item : net->named_parameters()) names.insert(item.key());
  for (const auto& item : net->named_buffers()) names.insert(item.key());
  for (const char* name :
       {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.running_var", "layer2.3.bn3.bias", "layer3.5.conv2.weight",
        "layer4.2.conv3.weight", "fc.weight", "fc.bias", "lesion_fc.weight"}) {
    EXPECT_EQ(names.count(name), 1) << name;
  }
  EXPECT_EQ(names.count("layer1.1.downsample.0.weight"), 0);
}

TEST_F(SliceNetTest, OutputsHaveTheirShapesAndRanges) {
  const SliceNetOptions options = TinySliceOptions();
  SliceNet net = MakeTinySliceNet(options);
  const auto [classes, lesion, map, features] = net->forward(RandomHu(3, 96, 1));
  EXPECT_EQ(classes.sizes(), (torch::IntArrayRef{3, 4}));
  EXPECT_EQ(lesion.sizes(), (torch::IntArrayRef{3, 2}));
  EXPECT_EQ(map.sizes(), (torch::IntArrayRef{3, 6, 6}));
  EXPECT_EQ(features.sizes(), (torch::IntArrayRef{3, options.feature_size()}));
  EXPECT_TRUE(torch::allclose(classes.sum(1), torch::ones({3})));
  EXPECT_TRUE(torch::allclose(lesion.sum(1), torch::ones({3})));
  EXPECT_GE(map.min().item<float>(), 0);
  EXPECT_LE(map.max().item<float>(), 1);
  // Lesion-free probability is a part of the healthy one, by equation 4.
  EXPECT_TRUE((classes.select(1, 0) >= lesion.select(1, 0)).all().item<bool>());
}

TEST_F(SliceNetTest, EqualsItsWindowsScoredOneByOne) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  const torch::Tensor hu = RandomHu(2, 96, 2);
  const auto [classes, lesion, map, features] = net->forward(hu);
  torch::Tensor classes_sum = torch::zeros({2, 4}), features_sum = torch::zeros_like(features);
  torch::Tensor map_sum = torch::zeros_like(map);
  for (float centre : {-700.F, -600.F, -500.F}) {
    const ImageScores scores =
        net->ScoreImages(net->windows()->CutAt(hu, torch::tensor({centre, centre})));
    classes_sum +=
        CombineProbabilities(scores.lesion_logits.softmax(1), scores.class_logits.softmax(1));
    features_sum += scores.features;
    map_sum += net->Maps(scores.feature_map, lesion.argmax(1), MapMeasure::kInnerProduct);
  }
  EXPECT_TRUE(torch::allclose(classes, classes_sum / 3, 1e-4, 1e-6));
  EXPECT_TRUE(torch::allclose(features, features_sum / 3, 1e-4, 1e-6));
  EXPECT_TRUE(torch::allclose(map, map_sum / 3, 1e-4, 1e-5));
}

TEST_F(SliceNetTest, CombinesByEquationFour) {
  const torch::Tensor combined =
      CombineProbabilities(torch::tensor({0.2F, 0.8F}).view({1, 2}),
                           torch::tensor({0.1F, 0.5F, 0.3F, 0.1F}).view({1, 4}));
  // p0 = 0.2 + 0.8 * 0.1; pk = 0.8 * pmk.
  EXPECT_TRUE(torch::allclose(combined, torch::tensor({0.28F, 0.4F, 0.24F, 0.08F}).view({1, 4})));
}

TEST_F(SliceNetTest, CoordinatesRunFromMinusOneToOneAndTellPlacesApart) {
  SliceNetOptions options = TinySliceOptions();
  SliceNet net = MakeTinySliceNet(options);
  const torch::Tensor maps = net->named_buffers()["coordinates"];
  ASSERT_EQ(maps.sizes(), (torch::IntArrayRef{1, 3, 6, 6}));
  EXPECT_FLOAT_EQ(maps[0][0][3][0].item<float>(), -1);
  EXPECT_FLOAT_EQ(maps[0][0][3][5].item<float>(), 1);
  EXPECT_FLOAT_EQ(maps[0][1][0][2].item<float>(), -1);
  EXPECT_FLOAT_EQ(maps[0][1][5][2].item<float>(), 1);
  EXPECT_FLOAT_EQ(maps[0][2][0][0].item<float>(), std::sqrt(2.F));
  // The centre lies between the points: x = y = 0.2 beside it.
  EXPECT_NEAR(maps[0][2][2][3].item<float>(), std::sqrt(0.08), 1e-6);
}

TEST_F(SliceNetTest, PartsAreScoredAtTheirPlacesInTheSlice) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  net->eval();
  const torch::Tensor slices = torch::randn({2, 3, 96, 96});
  const ImageScores whole = net->ScoreImages(slices);
  const ImageScores same = net->ScoreParts(slices, torch::zeros({2, 2}, torch::kInt64));
  EXPECT_TRUE(torch::equal(same.class_logits, whole.class_logits));
  EXPECT_TRUE(torch::equal(same.features, whole.features));

  // The same part three times: what ResBlock4 says follows the place, and that alone.
  const torch::Tensor part = slices.slice(0, 0, 1).slice(2, 0, 32).slice(3, 0, 32);
  const torch::Tensor places = torch::tensor({0, 0, 2, 4, 2, 4}, torch::kInt64).view({3, 2});
  const ImageScores parts = net->ScoreParts(part.expand({3, 3, 32, 32}), places);
  EXPECT_TRUE(torch::allclose(parts.lesion_logits[0], parts.lesion_logits[1]));
  EXPECT_TRUE(torch::allclose(parts.class_logits[1], parts.class_logits[2]));
  EXPECT_FALSE(torch::allclose(parts.class_logits[0], parts.class_logits[1]));
}

TEST_F(SliceNetTest, AblationsDropTheirInputsOfResBlockFour) {
  SliceNetOptions options = TinySliceOptions();
  const auto inputs = [&] {
    SliceNet net(options);
    return net->named_parameters()["layer4.0.conv1.weight"].size(1);
  };
  const int backbone = 16 * options.base_width;
  EXPECT_EQ(inputs(), backbone + 4);
  options.coordinates = false;
  EXPECT_EQ(inputs(), backbone + 1);
  options.attention = false;
  EXPECT_EQ(inputs(), backbone);
  options.multi_task = false;
  EXPECT_EQ(inputs(), backbone);
  EXPECT_FALSE(SliceNet(options)->named_parameters().contains("lesion_fc.weight"));
}

TEST_F(SliceNetTest, PlainResNetTakesLesionFromTheClassifier) {
  SliceNetOptions options = TinySliceOptions();
  options.multi_task = options.attention = options.coordinates = false;
  SliceNet net = MakeTinySliceNet(options);
  const auto [classes, lesion, map, features] = net->forward(RandomHu(2, 96, 3));
  EXPECT_TRUE(torch::equal(lesion.select(1, 0), classes.select(1, 0)));
  EXPECT_TRUE(torch::allclose(lesion.sum(1), torch::ones({2})));
  EXPECT_TRUE(torch::equal(map, torch::zeros({2, 6, 6})));
}

TEST_F(SliceNetTest, AttentionReachesTheClasses) {
  // The same weights with another measure: only the map's way into ResBlock4 differs.
  SliceNetOptions options = TinySliceOptions();
  const torch::Tensor hu = RandomHu(1, 96, 4);
  const auto inner = MakeTinySliceNet(options)->forward(hu);
  options.map_measure = MapMeasure::kEuclidean;
  const auto euclidean = MakeTinySliceNet(options)->forward(hu);
  EXPECT_TRUE(torch::equal(std::get<1>(inner), std::get<1>(euclidean)));
  EXPECT_FALSE(torch::allclose(std::get<2>(inner), std::get<2>(euclidean)));
  EXPECT_FALSE(torch::allclose(std::get<0>(inner), std::get<0>(euclidean), 0, 1e-7));
}

TEST_F(SliceNetTest, RefusesOptionsOutOfRange) {
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  SliceNetOptions options;
  options.input_size = 500;
  EXPECT_THAT(Validate(options), StatusIs(kInvalid, HasSubstr("multiple of 32")));
  options = {};
  options.base_width = 0;
  EXPECT_THAT(Validate(options), StatusIs(kInvalid, HasSubstr("base width")));
  options = {};
  options.multi_task = false;
  EXPECT_THAT(Validate(options), StatusIs(kInvalid, HasSubstr("attention needs multi_task")));
}

TEST_F(SliceNetTest, RefusesSlicesOfAnotherSize) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  EXPECT_THROW(net->forward(torch::zeros({1, 64, 64}, torch::kInt16)), c10::Error);
}

}  // namespace
}  // namespace m3lung
