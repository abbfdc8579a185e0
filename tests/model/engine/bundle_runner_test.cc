// SPDX-License-Identifier: Apache-2.0
#include "model/engine/bundle_runner.h"

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/bundle/torchscript_export.h"
#include "model/engine/batch_threads.h"
#include "model/engine/warm_up.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::MakeTinyPatientNet;
using ::m3lung::testing::MakeTinySliceNet;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TinyPatientOptions;
using ::m3lung::testing::TinySliceOptions;
using ::m3lung::testing::ToPixels;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pointwise;

std::vector<const int16_t*> Pointers(const std::vector<HuPixels>& slices) {
  std::vector<const int16_t*> pointers;
  for (const HuPixels& slice : slices) pointers.push_back(slice.data());
  return pointers;
}

absl::StatusOr<std::unique_ptr<BundleRunner>> MakeRunner(SliceNet slice_net, PatientNet patient_net,
                                                         int threads = 0,
                                                         int threads_per_batch = 0) {
  const auto slice = ExportSliceNet(slice_net);
  const auto patient = ExportPatientNet(patient_net);
  if (!slice.ok()) return slice.status();
  if (!patient.ok()) return patient.status();
  return BundleRunner::Create(*slice, *patient,
                              {.input_size = slice_net->options().input_size,
                               .feature_size = slice_net->options().feature_size(),
                               .threads = threads,
                               .threads_per_batch = threads_per_batch});
}

class BundleRunnerTest : public ::testing::Test {
 protected:
  // Loading takes a while: one runner for all tests that change nothing.
  static void SetUpTestSuite() {
    auto made =
        MakeRunner(MakeTinySliceNet(TinySliceOptions()), MakeTinyPatientNet(TinyPatientOptions()));
    ASSERT_TRUE(made.ok()) << made.status();
    shared_runner_ = made->release();
  }
  static void TearDownTestSuite() {
    delete shared_runner_;
    shared_runner_ = nullptr;
  }

  SliceNet slice_net_ = MakeTinySliceNet(TinySliceOptions());
  PatientNet patient_net_ = MakeTinyPatientNet(TinyPatientOptions());
  BundleRunner* const runner_ = shared_runner_;  // of nets equal to these

 private:
  static BundleRunner* shared_runner_;
};
BundleRunner* BundleRunnerTest::shared_runner_ = nullptr;

TEST_F(BundleRunnerTest, EqualsTheLiveNets) {
  EXPECT_EQ(runner_->input_size(), 96);
  const torch::Tensor hu = RandomHu(3, 96, 11);
  const std::vector<HuPixels> slices = ToPixels(hu);
  M3L_ASSERT_OK_AND_ASSIGN(const auto scores, runner_->ScoreSlices(Pointers(slices)));
  ASSERT_EQ(scores.size(), 3);

  const torch::NoGradGuard no_grad;
  const auto [classes, lesion, maps, features] = slice_net_->forward(hu);
  std::vector<const std::vector<float>*> all_features;
  for (int i = 0; i < 3; ++i) {
    for (int c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(scores[i].probabilities[c], classes[i][c].item<float>(), 1e-5);
    }
    EXPECT_NEAR(scores[i].lesion_probability, lesion[i][1].item<float>(), 1e-5);
    EXPECT_EQ(scores[i].map.rows, 6);
    EXPECT_EQ(scores[i].map.columns, 6);
    EXPECT_NEAR(scores[i].map.values[6 + 2], maps[i][1][2].item<float>(), 1e-4);
    EXPECT_NEAR(scores[i].features.back(), features[i][-1].item<float>(), 1e-4);
    all_features.push_back(&scores[i].features);
  }
  M3L_ASSERT_OK_AND_ASSIGN(const auto patient, runner_->AssessPatient(all_features));
  const torch::Tensor expected = patient_net_(features).softmax(0);
  for (int c = 0; c < kClasses; ++c) EXPECT_NEAR(patient[c], expected[c].item<float>(), 1e-5);
}

TEST_F(BundleRunnerTest, ABatchGivesWhatSinglesGive) {
  const std::vector<HuPixels> slices = ToPixels(RandomHu(5, 96, 12));
  M3L_ASSERT_OK_AND_ASSIGN(const auto together, runner_->ScoreSlices(Pointers(slices)));
  for (size_t i = 0; i < slices.size(); ++i) {
    const int16_t* const pixels = slices[i].data();
    M3L_ASSERT_OK_AND_ASSIGN(const auto alone, runner_->ScoreSlices({&pixels, 1}));
    EXPECT_THAT(together[i].probabilities, Pointwise(FloatNear(1e-5F), alone[0].probabilities));
    EXPECT_THAT(together[i].map.values, Pointwise(FloatNear(1e-5F), alone[0].map.values));
    EXPECT_THAT(together[i].features, Pointwise(FloatNear(1e-5F), alone[0].features));
  }
}

TEST_F(BundleRunnerTest, NoSlicesGiveNoScores) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto scores, runner_->ScoreSlices({}));
  EXPECT_THAT(scores, IsEmpty());
  EXPECT_THAT(runner_->AssessPatient({}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one slice")));
}

TEST_F(BundleRunnerTest, RefusesFeaturesOfAnotherSize) {
  const std::vector<float> features(3, 0);
  const std::vector<float>* const pointer = &features;
  EXPECT_THAT(runner_->AssessPatient({&pointer, 1}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 3 features")));
}

TEST_F(BundleRunnerTest, NotFiniteIsInternalAndNamesTheOutput) {
  {
    const torch::NoGradGuard no_grad;
    slice_net_->classifier()->bias[1] = std::numeric_limits<float>::quiet_NaN();
    patient_net_->classifier()->bias[0] = std::numeric_limits<float>::quiet_NaN();
  }
  M3L_ASSERT_OK_AND_ASSIGN(const auto runner, MakeRunner(slice_net_, patient_net_));
  const std::vector<HuPixels> slices = ToPixels(RandomHu(1, 96, 13));
  EXPECT_THAT(runner->ScoreSlices(Pointers(slices)),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr("\"class probabilities\""), HasSubstr("not finite"))));
  const std::vector<float> features(TinySliceOptions().feature_size(), 0.5F);
  const std::vector<float>* const pointer = &features;
  EXPECT_THAT(runner->AssessPatient({&pointer, 1}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("\"patient probabilities\"")));
}

TEST_F(BundleRunnerTest, WhatTheNetworkThrowsIsInternalWithoutABacktrace) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string slice, ExportSliceNet(slice_net_));
  M3L_ASSERT_OK_AND_ASSIGN(const std::string patient, ExportPatientNet(patient_net_));
  // Told a wrong size, the network fails where the coordinate maps are joined.
  M3L_ASSERT_OK_AND_ASSIGN(
      const auto runner,
      BundleRunner::Create(slice, patient,
                           {.input_size = 64, .feature_size = TinyPatientOptions().feature_size}));
  const std::vector<int16_t> pixels(64 * 64, 0);
  const int16_t* const pointer = pixels.data();
  EXPECT_THAT(runner->ScoreSlices({&pointer, 1}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("slice network: ")));
  EXPECT_THAT(runner->Fused({1}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("fusing the slice network: ")));
}

TEST_F(BundleRunnerTest, TakesOneBatchAtATimeUnlessToldOtherwise) {
  EXPECT_EQ(runner_->concurrent_batches(), 1);
}

// In as many threads as batches run at once, which all see a batch's number of threads.
TEST_F(BundleRunnerTest, BatchesSideBySideAnswerAsAlone) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto scripted, MakeRunner(slice_net_, patient_net_, /*threads=*/6,
                                                           /*threads_per_batch=*/2));
  ASSERT_EQ(scripted->concurrent_batches(), 3);
  M3L_ASSERT_OK_AND_ASSIGN(const auto runner, scripted->Fused({1}));
  const std::vector<HuPixels> slices = ToPixels(RandomHu(12, 96, 5));
  std::vector<std::vector<SliceScores>> got(slices.size());
  std::vector<int> threads(runner->concurrent_batches());
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < runner->concurrent_batches(); ++caller) {
      callers.emplace_back([&, caller] {
        for (size_t i = caller; i < slices.size(); i += runner->concurrent_batches()) {
          const int16_t* const slice = slices[i].data();
          auto scores = runner->ScoreSlices({&slice, 1});
          if (scores.ok()) got[i] = *std::move(scores);
        }
        threads[caller] = at::get_num_threads();
      });
    }
  }
  EXPECT_THAT(threads, Each(2));
  for (size_t i = 0; i < slices.size(); ++i) {
    SCOPED_TRACE(i);
    const int16_t* const slice = slices[i].data();
    M3L_ASSERT_OK_AND_ASSIGN(const auto alone, runner_->ScoreSlices({&slice, 1}));
    ASSERT_EQ(got[i].size(), 1);
    EXPECT_THAT(got[i][0].probabilities, Pointwise(FloatNear(1e-5), alone[0].probabilities));
    EXPECT_THAT(got[i][0].features, Pointwise(FloatNear(1e-4), alone[0].features));
  }
}

TEST_F(BundleRunnerTest, ASmallNetworkRunsABatchOnEachProcessor) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto runner,
                           MakeRunner(slice_net_, patient_net_, /*threads=*/4, kThreadsBySpeed));
  EXPECT_EQ(runner->concurrent_batches(), 4);
}

// Says of each slice that it is of CAP, and has no lesion.
class SureEngine final : public SliceEngine {
 public:
  std::string Name() const override { return "sure"; }
  std::vector<torch::Tensor> Run(const torch::Tensor& hu) const override {
    const int64_t n = hu.size(0);
    if (hu.max().item<int>() > 3000) throw std::runtime_error("bone");
    return {torch::tensor({0.F, 0.F, 0.F, 1.F}).expand({n, 4}),
            torch::tensor({1.F, 0.F}).expand({n, 2}), torch::zeros({n, 6, 6}),
            torch::ones({n, TinySliceOptions().feature_size()})};
  }
};

TEST_F(BundleRunnerTest, AnotherEngineTakesTheSlicesAlone) {
  const auto other = runner_->With(std::make_shared<SureEngine>());
  EXPECT_EQ(other->engine().Name(), "sure");
  EXPECT_EQ(runner_->engine().Name(), "TorchScript fp32");
  EXPECT_EQ(other->input_size(), runner_->input_size());
  const std::vector<HuPixels> slices = ToPixels(RandomHu(2, 96, 14));
  M3L_ASSERT_OK_AND_ASSIGN(const auto sure, other->ScoreSlices(Pointers(slices)));
  ASSERT_EQ(sure.size(), 2);
  EXPECT_THAT(sure[1].probabilities, ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(sure[1].lesion_probability, 0);
  M3L_ASSERT_OK_AND_ASSIGN(const auto still, runner_->ScoreSlices(Pointers(slices)));
  EXPECT_THAT(still[1].probabilities, Not(ElementsAre(0, 0, 0, 1)));

  const std::vector<const std::vector<float>*> features = {&still[0].features, &still[1].features};
  M3L_ASSERT_OK_AND_ASSIGN(const auto patient, other->AssessPatient(features));
  M3L_ASSERT_OK_AND_ASSIGN(const auto same, runner_->AssessPatient(features));
  EXPECT_EQ(patient, same);

  const HuPixels bone(96 * 96, 3500);
  const int16_t* const pointer = bone.data();
  EXPECT_THAT(other->ScoreSlices({&pointer, 1}),
              StatusIs(absl::StatusCode::kInternal, "slice network: bone"));
  EXPECT_THAT(other->Fused({1}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("sure has nothing to fuse")));
}

TEST_F(BundleRunnerTest, TheFusedOneStandsBesideTheOneThatItWasMadeOf) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto fused, runner_->Fused({1, 2}));
  EXPECT_EQ(fused->engine().Name(), "TorchScript fp32, fused");
  EXPECT_EQ(runner_->engine().Name(), "TorchScript fp32");
}

TEST_F(BundleRunnerTest, RefusesWhatIsNoTorchScript) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::string patient, ExportPatientNet(patient_net_));
  EXPECT_THAT(BundleRunner::Create("not an archive", patient, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("slice.ts")));
}

TEST_F(BundleRunnerTest, WarmsUpAndRefusesBatchSizesOutOfRange) {
  M3L_ASSERT_OK_AND_ASSIGN(const std::vector<absl::Duration> durations, WarmUp(*runner_, {1, 4}));
  EXPECT_THAT(durations, ElementsAre(Gt(absl::ZeroDuration()), Gt(absl::ZeroDuration())));
  EXPECT_THAT(WarmUp(*runner_, {0}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("was 0")));
}

// As of a GPU that has fallen ill: LibTorch then throws where it is asked for a stream.
TEST(ConcurrentBatchesTest, ADeviceWithoutStreamsIsAnErrorAndNoException) {
  const auto batches = ConcurrentBatches::Create(c10::Device(c10::kXLA, 0), {});
  EXPECT_THAT(batches, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("gives no streams")));
}

}  // namespace
}  // namespace m3lung
