// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/torchscript_export.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/script.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeTinyPatientNet;
using ::m3lung::testing::MakeTinySliceNet;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::TinyPatientOptions;
using ::m3lung::testing::TinySliceOptions;

torch::jit::Module LoadText(const std::string& bytes) {
  std::istringstream in(bytes);
  return torch::jit::load(in);
}

void ExpectSliceExportEqual(SliceNet net) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ExportSliceNet(net));
  torch::jit::Module script = LoadText(bytes);
  const torch::NoGradGuard no_grad;
  for (int batch : {1, 2, 3, 7}) {
    const torch::Tensor hu = RandomHu(batch, net->options().input_size, batch);
    const auto [classes, lesion, map, features] = net->forward(hu);
    const torch::IValue output = script.forward({hu});
    const auto& outputs = output.toTupleRef().elements();
    ASSERT_EQ(outputs.size(), 4);
    EXPECT_TRUE(torch::allclose(outputs[0].toTensor(), classes, 0, 1e-6));
    EXPECT_TRUE(torch::allclose(outputs[1].toTensor(), lesion, 0, 1e-6));
    EXPECT_TRUE(torch::allclose(outputs[2].toTensor(), map, 0, 1e-5));
    EXPECT_TRUE(torch::allclose(outputs[3].toTensor(), features, 1e-5, 1e-5));
  }
}

TEST(ExportSliceNetTest, EqualsTheLiveNetAtAnyBatchSize) {
  for (auto measure : kMapMeasures) {
    SliceNetOptions options = TinySliceOptions();
    options.map_measure = measure;
    ExpectSliceExportEqual(MakeTinySliceNet(options));
  }
}

TEST(ExportSliceNetTest, EqualsTheLiveNetInEveryAblation) {
  SliceNetOptions options = TinySliceOptions();
  options.coordinates = false;
  ExpectSliceExportEqual(MakeTinySliceNet(options));
  options.attention = false;
  ExpectSliceExportEqual(MakeTinySliceNet(options));
  options.multi_task = false;
  ExpectSliceExportEqual(MakeTinySliceNet(options));
}

TEST(ExportSliceNetTest, LeavesTheNetTrainable) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  ASSERT_TRUE(ExportSliceNet(net).ok());
  for (const auto& parameter : net->parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(ExportSliceNetTest, KeepsTheParametersNames) {
  SliceNet net = MakeTinySliceNet(TinySliceOptions());
  M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ExportSliceNet(net));
  torch::jit::Module script = LoadText(bytes);
  size_t found = 0;
  for (const auto& item : script.named_parameters()) {
    EXPECT_TRUE(net->named_parameters().contains(item.name)) << item.name;
    ++found;
  }
  EXPECT_EQ(found, net->named_parameters().size());
}

TEST(ExportPatientNetTest, EqualsTheLiveNetForAnyNumberOfSlices) {
  for (auto variant : {PatientVariant::kMaxPooling, PatientVariant::kAggregation,
                       PatientVariant::kRefineAndAggregate}) {
    PatientNetOptions options = TinyPatientOptions();
    options.variant = variant;
    PatientNet net = MakeTinyPatientNet(options);
    M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ExportPatientNet(net));
    torch::jit::Module script = LoadText(bytes);
    const torch::NoGradGuard no_grad;
    for (int slices : {1, 2, 3, 4, 5, 7, 50}) {
      torch::manual_seed(slices);
      const torch::Tensor features = torch::rand({slices, options.feature_size});
      const torch::Tensor probabilities = script.forward({features}).toTensor();
      EXPECT_TRUE(torch::allclose(probabilities, net(features).softmax(0), 0, 1e-6)) << slices;
    }
  }
}

}  // namespace
}  // namespace m3lung
