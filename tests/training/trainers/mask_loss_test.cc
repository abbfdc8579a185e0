// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/mask_loss.h"

#include <cmath>

#include "gtest/gtest.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

// Two channels of ResBlock3 and of ResBlock4 speak, the others are silent.
class MaskLossTest : public ::testing::Test {
 protected:
  MaskLossTest() : net_(Options()) {
    const torch::NoGradGuard no_grad;
    net_->lesion_classifier()->weight.zero_();
    net_->lesion_classifier()->weight[1][0] = 1;   // with
    net_->lesion_classifier()->weight[0][1] = -1;  // without, of the opposite sense
    net_->classifier()->weight.zero_();
    net_->classifier()->bias.zero_();
    net_->classifier()->weight[2][0] = 1;
  }

  static SliceNetOptions Options() {
    SliceNetOptions options;
    options.base_width = 1;
    options.blocks = {1, 1, 1, 1};
    options.input_size = 64;  // maps of 4 x 4 and 2 x 2 cells
    return options;
  }

  static ImageScores SilentScores(int64_t slices) {
    ImageScores scores;
    scores.feature_map = torch::zeros({slices, 16, 4, 4});
    scores.last_map = torch::zeros({slices, 32, 2, 2});
    return scores;
  }

  SliceNet net_;
};

double Softplus(double x) { return std::log1p(std::exp(x)); }

TEST_F(MaskLossTest, IsTheCrossEntropyOfCellsWithAndWithoutHalfEach) {
  ImageScores scores = SilentScores(1);
  scores.feature_map[0][0][1][2] = 24;  // 24 / 8 - 2 = 1, in the cell with the lesion
  scores.feature_map[0][1][0][0] = 8;   // 8 / 8 - 2 = -1, in one without
  torch::Tensor covers = torch::zeros({1, 4, 4});
  covers[0][1][2] = 0.5;
  covers[0][3][3] = 0.05;  // neither the one nor the other
  const double with = Softplus(-1);
  const double without = (Softplus(-1) + 13 * Softplus(-2)) / 14;
  // The cell of ResBlock4 above the lesion says nothing: four classes alike.
  EXPECT_NEAR(MaskLoss(*net_, scores, covers, torch::tensor({int64_t{2}})).item<double>(),
              (with + without) / 2 + std::log(4), 1e-6);
}

TEST_F(MaskLossTest, TheClassIsAskedForWhereTheLesionIs) {
  ImageScores scores = SilentScores(2);
  scores.last_map[0][0][0][1] = 8;   // 8 / 4 = 2 for class 2, at the lesion
  scores.last_map[0][0][1][0] = 80;  // elsewhere: not asked
  torch::Tensor covers = torch::zeros({2, 4, 4});
  covers[0][1][2] = 0.5;
  const torch::Tensor labels = torch::tensor({int64_t{2}, int64_t{0}});
  const double place =
      MaskLoss(*net_, scores, covers, labels).item<double>() - (std::log(std::exp(2) + 3) - 2);
  scores.last_map[0][0][0][1] = 0;
  EXPECT_NEAR(MaskLoss(*net_, scores, covers, labels).item<double>(), place + std::log(4), 1e-6);
}

TEST_F(MaskLossTest, SlicesOfUnknownLesionsCountForNothing) {
  ImageScores scores = SilentScores(2);
  scores.feature_map[0] = 100;
  scores.last_map[0] = 100;
  torch::Tensor covers = torch::zeros({2, 4, 4});
  covers[0].fill_(-1);
  EXPECT_NEAR(
      MaskLoss(*net_, scores, covers, torch::tensor({int64_t{1}, int64_t{0}})).item<double>(),
      Softplus(-2) / 2, 1e-6);
}

}  // namespace
}  // namespace m3lung
