// SPDX-License-Identifier: Apache-2.0
#include "model/engine/fused_network.h"

#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/bundle/torchscript_export.h"
#include "model/engine/convolution_precision.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeTinySliceNet;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::TinySliceOptions;
using ::testing::HasSubstr;
using ::testing::Not;

torch::jit::Module TinyFrozen(at::ScalarType type) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  std::istringstream file(*ExportSliceNet(net));
  torch::jit::Module module = torch::jit::load(file);
  module.eval();
  module = torch::jit::freeze(module);
  SetConvolutionType(module, type);
  return module;
}

// A network of one convolution, whose forward() is `source`.
torch::jit::Module OneConvolution(const std::string& source) {
  torch::manual_seed(1);
  torch::jit::Module module("OneConvolution");
  module.register_parameter("weight", torch::randn({8, 1, 3, 3}), /*is_buffer=*/false);
  module.define(source);
  module.eval();
  return torch::jit::freeze(module);
}

// What LibTorch ran last on this thread.
std::string LastGraph() { return torch::jit::lastExecutedOptimizedGraph()->toString(); }

class FusedNetworkTest : public ::testing::Test {
 protected:
  const c10::InferenceMode inference_;
  const torch::jit::GraphOptimizerEnabledGuard no_profiling_{false};
};

TEST_F(FusedNetworkTest, AnswersAreThoseOfTheModuleWhateverIsFused) {
  torch::jit::Module module = TinyFrozen(torch::kFloat32);
  FusedNetwork network(module);
  for (const int fused : {1, 3}) network.Fuse(RandomHu(fused, 96, 5));
  for (const int slices : {1, 2, 3}) {  // 2 is not fused
    const torch::Tensor hu = RandomHu(slices, 96, 10 + slices);
    const auto expected = module.forward({hu}).toTuple()->elements().vec();
    const auto got = network.Run(hu).toTuple()->elements().vec();
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_TRUE(torch::allclose(got[i].toTensor(), expected[i].toTensor(), 1e-4, 1e-5)) << i;
    }
  }
}

TEST_F(FusedNetworkTest, In16BitsTheyDifferByTheRoundingAlone) {
  if (!ProcessorOffers(Precision::kBf16)) GTEST_SKIP() << "the processor has none";
  torch::jit::Module module = TinyFrozen(torch::kBFloat16);
  FusedNetwork network(module);
  const torch::Tensor hu = RandomHu(2, 96, 7);
  network.Fuse(hu);
  const auto expected = module.forward({hu}).toTuple()->elements().vec();
  const auto got = network.Run(hu).toTuple()->elements().vec();
  for (const int probabilities : {0, 1}) {
    EXPECT_TRUE(torch::allclose(got[probabilities].toTensor(), expected[probabilities].toTensor(),
                                0, 0.01));
  }
}

TEST_F(FusedNetworkTest, FusesConvolutionsAndNoOtherGraphOfTheProcess) {
  const std::string source = R"(
def forward(self, x):
    return torch.relu(torch.conv2d(x, self.weight))
)";
  FusedNetwork network(OneConvolution(source));
  const torch::Tensor x = torch::randn({2, 1, 16, 16});
  const torch::Tensor plain = network.Run(x).toTensor();
  EXPECT_THAT(LastGraph(), Not(HasSubstr("oneDNNFusion")));
  const FusedNetwork copy = network;
  network.Fuse(x);
  EXPECT_TRUE(torch::allclose(network.Run(x).toTensor(), plain, 1e-4, 1e-5));
  EXPECT_THAT(LastGraph(), HasSubstr("oneDNNFusion"));
  copy.Run(x);
  EXPECT_THAT(LastGraph(), Not(HasSubstr("oneDNNFusion")));

  torch::jit::Module other = OneConvolution(source);
  const torch::jit::GraphOptimizerEnabledGuard profiling(true);
  for (int run = 0; run < 3; ++run) other.forward({x});
  EXPECT_THAT(LastGraph(), Not(HasSubstr("oneDNNFusion")));
}

TEST_F(FusedNetworkTest, WhatIsCutOffWithABranchInItComputesTheSame) {
  const std::string source = R"(
def forward(self, x):
    y = torch.conv2d(x, self.weight)
    if bool(x.sum() > 0):
        z = y + x.mean()
    else:
        z = y - x.mean()
    return (z, torch.conv2d(z.sum(1, True), self.weight), x)
)";
  torch::jit::Module module = OneConvolution(source);
  FusedNetwork network(module);
  const torch::Tensor x = torch::rand({2, 1, 16, 16});
  network.Fuse(x);
  for (const torch::Tensor& input : {x, -x}) {
    const auto expected = module.forward({input}).toTuple()->elements().vec();
    const auto got = network.Run(input).toTuple()->elements().vec();
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(torch::allclose(got[i].toTensor(), expected[i].toTensor(), 1e-4, 1e-4)) << i;
    }
  }
}

}  // namespace
}  // namespace m3lung
