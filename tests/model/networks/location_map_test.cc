// SPDX-License-Identifier: Apache-2.0
#include "model/networks/location_map.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

// One image, two channels, three points: (3, 0), (4, 4) and (0, 1); the
// prototypes are (0, 1) without and (1, 0) with lesion.
torch::Tensor Feature() { return torch::tensor({3.F, 4.F, 0.F, 0.F, 4.F, 1.F}).view({1, 2, 1, 3}); }
torch::Tensor Prototypes() { return torch::tensor({0.F, 1.F, 1.F, 0.F}).view({2, 2}); }
torch::Tensor Map(MapMeasure measure, int64_t predicted) {
  return LocationMaps(Feature(), Prototypes(), torch::tensor({predicted}), measure).flatten();
}

TEST(LocationMapsTest, InnerProductIsWithTheDifferenceOfThePrototypes) {
  // f . (1, -1): 3, 0, -1; stretched to [0, 1].
  EXPECT_TRUE(torch::allclose(Map(MapMeasure::kInnerProduct, 1), torch::tensor({1.F, .25F, 0.F})));
  // For the other class the very opposite.
  EXPECT_TRUE(torch::allclose(Map(MapMeasure::kInnerProduct, 0), torch::tensor({0.F, .75F, 1.F})));
}

TEST(LocationMapsTest, CosineIgnoresLength) {
  // Cosines to (1, 0): 1, sqrt(1/2), 0.
  EXPECT_TRUE(torch::allclose(Map(MapMeasure::kCosine, 1), torch::tensor({1.F, .70710678F, 0.F})));
}

TEST(LocationMapsTest, EuclideanIsNegativeDistance) {
  // Distances to (1, 0): 2, 5, sqrt(2).
  const float range = 5 - std::sqrt(2.F);
  EXPECT_TRUE(
      torch::allclose(Map(MapMeasure::kEuclidean, 1), torch::tensor({3 / range, 0.F, 1.F})));
}

TEST(LocationMapsTest, EachImageUsesItsOwnClassAndRange) {
  const torch::Tensor maps =
      LocationMaps(torch::cat({Feature(), 10 * Feature()}), Prototypes(),
                   torch::tensor({int64_t{1}, int64_t{0}}), MapMeasure::kInnerProduct);
  EXPECT_TRUE(torch::allclose(maps[0].flatten(), torch::tensor({1.F, .25F, 0.F})));
  EXPECT_TRUE(torch::allclose(maps[1].flatten(), torch::tensor({0.F, .75F, 1.F})));
}

TEST(LocationMapsTest, FlatFeatureGivesZeros) {
  for (auto measure : kMapMeasures) {
    for (const torch::Tensor& feature : {torch::zeros({1, 2, 2, 2}), torch::ones({1, 2, 2, 2})}) {
      const torch::Tensor map =
          LocationMaps(feature, Prototypes(), torch::tensor({int64_t{1}}), measure);
      EXPECT_TRUE(torch::equal(map, torch::zeros({1, 2, 2}))) << MapMeasureName(measure);
    }
  }
}

TEST(LocationMapsTest, PrototypesGetNoGradientButTheFeatureDoes) {
  for (auto measure : kMapMeasures) {
    torch::Tensor feature = Feature().requires_grad_(true);
    torch::Tensor prototypes = Prototypes().requires_grad_(true);
    LocationMaps(feature, prototypes, torch::tensor({int64_t{1}}), measure)
        .square()
        .sum()
        .backward();
    EXPECT_FALSE(prototypes.grad().defined());
    EXPECT_GT(feature.grad().abs().sum().item<float>(), 0);
    EXPECT_TRUE(torch::isfinite(feature.grad()).all().item<bool>());
  }
}

}  // namespace
}  // namespace m3lung
