// SPDX-License-Identifier: Apache-2.0
#include "model/engine/convolution_precision.h"

#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/bundle/torchscript_export.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/csrc/jit/ir/constants.h"
#include "torch/csrc/jit/ir/ir.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeTinySliceNet;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::TinySliceOptions;
using ::testing::Each;

class ConvolutionPrecisionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SliceNet net = MakeTinySliceNet(TinySliceOptions());
    M3L_ASSERT_OK_AND_ASSIGN(file_, ExportSliceNet(net));
  }

  torch::jit::Module Frozen() const {
    std::istringstream file(file_);
    torch::jit::Module module = torch::jit::load(file);
    module.eval();
    return torch::jit::freeze(module);
  }

  static std::vector<torch::Tensor> Run(torch::jit::Module& module, const torch::Tensor& hu) {
    const c10::InferenceMode inference;
    std::vector<torch::Tensor> parts;
    const torch::IValue output = module.forward({hu});
    for (const torch::IValue& part : output.toTupleRef().elements()) {
      parts.push_back(part.toTensor());
    }
    return parts;
  }

  // Largest difference of each of the outputs.
  static std::vector<float> Differences(const std::vector<torch::Tensor>& one,
                                        const std::vector<torch::Tensor>& other) {
    std::vector<float> differences;
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(other[i].scalar_type(), torch::kFloat32);
      differences.push_back((one[i] - other[i]).abs().max().item<float>());
    }
    return differences;
  }

  static std::vector<at::ScalarType> WeightTypes(const torch::jit::Module& module) {
    std::vector<at::ScalarType> types;
    for (const torch::jit::Node* node : module.get_method("forward").graph()->nodes()) {
      if (node->kind() != at::aten::_convolution) continue;
      types.push_back(torch::jit::toIValue(node->input(1))->toTensor().scalar_type());
    }
    return types;
  }

  std::string file_;
};

TEST_F(ConvolutionPrecisionTest, ConvolutionsComputeInIt) {
  torch::jit::Module module = Frozen();
  const size_t convolutions = WeightTypes(module).size();
  SetConvolutionType(module, torch::kBFloat16);
  const std::vector<at::ScalarType> types = WeightTypes(module);
  EXPECT_EQ(types.size(), convolutions);
  EXPECT_THAT(types, Each(torch::kBFloat16));
}

TEST_F(ConvolutionPrecisionTest, AnswersAreThoseOfFloat32ButForTheRounding) {
  torch::jit::Module full = Frozen();
  for (const at::ScalarType type : {torch::kBFloat16, torch::kHalf}) {
    torch::jit::Module reduced = Frozen();
    SetConvolutionType(reduced, type);
    for (const int slices : {1, 3}) {  // any size of batch
      const torch::Tensor hu = RandomHu(slices, 96, 5);
      const auto expected = Run(full, hu);
      const auto got = Run(reduced, hu);
      const std::vector<float> differences = Differences(expected, got);
      EXPECT_LT(differences[0], 0.01F);  // classes
      EXPECT_LT(differences[1], 0.01F);  // lesion
      EXPECT_LT(differences[2], 0.1F);   // map, stretched to [0, 1]
      EXPECT_LT(differences[3], 0.02F * expected[3].abs().max().item<float>());  // features
      EXPECT_GT(differences[3], 0);  // it was not computed in float32 after all
    }
  }
}

TEST_F(ConvolutionPrecisionTest, Float32ChangesTheLayoutAlone) {
  torch::jit::Module full = Frozen(), laid_out = Frozen();
  SetConvolutionType(laid_out, torch::kFloat32);
  const torch::Tensor hu = RandomHu(2, 96, 6);
  EXPECT_THAT(Differences(Run(full, hu), Run(laid_out, hu)), Each(::testing::Lt(1e-4F)));
}

TEST(ProcessorOffersTest, Float32Always) { EXPECT_TRUE(ProcessorOffers(Precision::kFp32)); }

}  // namespace
}  // namespace m3lung
