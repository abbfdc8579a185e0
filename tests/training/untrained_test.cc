// SPDX-License-Identifier: Apache-2.0
#include "training/untrained.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bundle.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::RandomHu;
using ::m3lung::testing::TinyPatientOptions;
using ::m3lung::testing::TinySliceOptions;

TEST(UntrainedNetsTest, AnswersDifferFromSliceToSlice) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor hu = RandomHu(8, 96, 31);
  UntrainedNets nets = MakeUntrainedNets(TinySliceOptions(), TinyPatientOptions(), 1, hu);
  EXPECT_FALSE(nets.slice_net->is_training());
  EXPECT_FALSE(nets.patient_net->is_training());
  const ImageScores scores = nets.slice_net->ScoreImages(nets.slice_net->windows()->forward(hu));
  for (const torch::Tensor& logits : {scores.lesion_logits, scores.class_logits}) {
    EXPECT_TRUE(torch::allclose(logits.mean(0), torch::zeros({logits.size(1)}), 0, 1e-3));
    EXPECT_TRUE(torch::allclose(logits.std(0), torch::ones({logits.size(1)}), 1e-2));
  }
  // Neither dead nor without bounds.
  EXPECT_GT(scores.features.mean().item<float>(), 0.01);
  EXPECT_LT(scores.features.max().item<float>(), 100);
}

TEST(UntrainedNetsTest, TheSeedDecides) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor hu = RandomHu(4, 96, 32);
  const auto classes = [&](uint64_t seed) {
    UntrainedNets nets = MakeUntrainedNets(TinySliceOptions(), TinyPatientOptions(), seed, hu);
    return std::get<0>(nets.slice_net->forward(hu));
  };
  EXPECT_TRUE(torch::equal(classes(1), classes(1)));
  EXPECT_FALSE(torch::allclose(classes(1), classes(2), 0, 1e-3));
}

}  // namespace
}  // namespace m3lung
