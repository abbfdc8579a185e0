// SPDX-License-Identifier: Apache-2.0
#include "training/phantom_slices.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;

TEST(PhantomSlicesTest, ShowsLungsAndLesionsOfDiseasedStudiesOnly) {
  const PhantomSlices slices = MakePhantomSlices({Label::kHealthy, Label::kCap}, 3, 64, 9);
  EXPECT_EQ(slices.hu.sizes(), (torch::IntArrayRef{6, 64, 64}));
  EXPECT_EQ(slices.hu.scalar_type(), torch::kInt16);
  EXPECT_THAT(slices.labels, ElementsAre(Label::kHealthy, Label::kHealthy, Label::kHealthy,
                                         Label::kCap, Label::kCap, Label::kCap));
  // The box is the lungs': a good part of it is lung.
  for (int i = 0; i < 6; ++i) {
    EXPECT_GT((slices.hu[i] < -500).to(torch::kFloat32).mean().item<float>(), 0.25) << i;
  }
  ASSERT_EQ(slices.lesion_masks.sizes(), slices.hu.sizes());
  EXPECT_FALSE(slices.lesion_masks.slice(0, 0, 3).any().item<bool>());
  EXPECT_TRUE(slices.lesion_masks.slice(0, 3, 6).any().item<bool>());
  // Lesions are denser than the lung around them.
  const torch::Tensor lesion = slices.hu.masked_select(slices.lesion_masks);
  EXPECT_GT(lesion.to(torch::kFloat32).mean().item<float>(), -650);
}

TEST(PhantomSlicesTest, TheSameSeedGivesTheSameSlices) {
  const auto slices = [](uint64_t seed) {
    return MakePhantomSlices({Label::kCovid19}, 2, 64, seed).hu;
  };
  EXPECT_TRUE(torch::equal(slices(4), slices(4)));
  EXPECT_FALSE(torch::equal(slices(4), slices(5)));
}

}  // namespace
}  // namespace m3lung
