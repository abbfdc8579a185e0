// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/bundle.h"

#include <filesystem>
#include <string>
#include <vector>

#include "ATen/Version.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/files.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/bundle/bundle_files.h"
#include "model/bundle/find_bundles.h"
#include "model/engine/convolution_precision.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/stopping_runner.h"
#include "tests/testing/temporary_folder.h"
#include "torch/script.h"
#include "torch/torch.h"
#include "torch/version.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::RandomHu;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::m3lung::testing::TinyContents;
using ::m3lung::testing::ToPixels;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointwise;
using ::testing::StartsWith;

constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    M3L_ASSERT_OK_AND_ASSIGN(folder_, WriteBundle(TinyContents(), scratch_.path(), false));
  }

  std::string Manifest() const { return ReadFile(folder_ / "manifest.json").value(); }
  void ChangeManifest(const std::string& from, const std::string& to) const {
    ASSERT_THAT(Manifest(), HasSubstr(from));
    ASSERT_THAT(WriteFile(folder_ / "manifest.json", absl::StrReplaceAll(Manifest(), {{from, to}})),
                IsOk());
  }

  const TemporaryFolder scratch_;
  std::filesystem::path folder_;
};

TEST_F(BundleTest, LoadsWhatWasWritten) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto bundle, LoadBundle(folder_, {.batch_sizes = {1, 2}}));
  EXPECT_EQ(bundle->manifest.name, "tiny");
  EXPECT_EQ(bundle->manifest.feature_size, TinyContents().slice_net->options().feature_size());
  EXPECT_EQ(bundle->manifest.golden_slices, 2);
  EXPECT_EQ(bundle->digest, Sha256Hex(Manifest()));
  EXPECT_EQ(bundle->device, "cpu");
  EXPECT_EQ(bundle->runner->input_size(), 96);
  EXPECT_THAT(LoadBundle(folder_ / "", {}), IsOk());  // a slash at the end
}

TEST_F(BundleTest, ComputesFusedWhatItComputesUnfused) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto fused, LoadBundle(folder_, {.batch_sizes = {1, 2}}));
  M3L_ASSERT_OK_AND_ASSIGN(const auto unfused,
                           LoadBundle(folder_, {.batch_sizes = {1, 2}, .fused = false}));
  EXPECT_EQ(fused->runs_on, "TorchScript fp32, fused");
  EXPECT_EQ(fused->remark, "");
  EXPECT_EQ(unfused->runs_on, "TorchScript fp32");
  const std::vector<HuPixels> slices = ToPixels(RandomHu(2, 96, 21));
  for (const int batch_size : {1, 2}) {
    M3L_ASSERT_OK_AND_ASSIGN(const auto got, RunGolden(*fused->runner, slices, batch_size));
    M3L_ASSERT_OK_AND_ASSIGN(const auto expected, RunGolden(*unfused->runner, slices, batch_size));
    for (size_t i = 0; i < slices.size(); ++i) {
      EXPECT_THAT(got.probabilities[i], Pointwise(FloatNear(1e-5F), expected.probabilities[i]));
    }
    EXPECT_THAT(got.patient_probabilities,
                Pointwise(FloatNear(1e-5F), expected.patient_probabilities));
  }
}

// A network that answers otherwise in batches of two stands for one that does so once fused: the
// golden slices are run one by one before, and in each size of batch after.
TEST_F(BundleTest, StaysUnfusedWhereTheGoldenSlicesThenDiffer) {
  const std::filesystem::path file = folder_ / "slice.ts";
  const std::string digest = Sha256Hex(ReadFile(file).value());
  torch::jit::Module network("Shifted");
  network.register_module("whole", torch::jit::load(file.string()));
  network.define(R"(
    def forward(self, hu):
      classes, lesion, location, features = self.whole.forward(hu)
      return (classes + 0.1 * (hu.size(0) - 1), lesion, location, features)
  )");
  network.save(file.string());
  ChangeManifest(digest, Sha256Hex(ReadFile(file).value()));
  M3L_ASSERT_OK_AND_ASSIGN(const auto bundle, LoadBundle(folder_, {.batch_sizes = {1, 2}}));
  EXPECT_EQ(bundle->runs_on, "TorchScript fp32");
  EXPECT_THAT(bundle->remark,
              StartsWith("its convolutions are not fused: golden.hu: slice 0, probability 0 is"));
  EXPECT_EQ(LoadBundle(folder_, {.batch_sizes = {1}}).value()->runs_on, "TorchScript fp32, fused");
}

TEST_F(BundleTest, RunsSliceTsWhereTheCompiledNetworkIsNotToBeUsed) {
  const auto remark = [&] {
    const auto bundle = LoadBundle(folder_, {.compiled = true});
    EXPECT_THAT(bundle, IsOk());
    EXPECT_EQ((*bundle)->runs_on, "TorchScript fp32, fused");
    return (*bundle)->remark;
  };
  EXPECT_THAT(remark(), HasSubstr("compiled.json"));

  std::filesystem::create_directory(folder_ / "compiled");
  const auto write = [&](const std::string& slice_digest, const std::string& torch,
                         const std::string& capability, int most_slices = 64) {
    ASSERT_THAT(WriteFile(folder_ / "compiled" / "compiled.json",
                          absl::StrCat(R"({"slice_digest": ")", slice_digest,
                                       R"(", "package_digest": "0", "precision": "fp32",)"
                                       R"("tolerance": 1e-4, "most_slices": )",
                                       most_slices, R"(, "torch": ")", torch,
                                       R"(", "cpu_capability": ")", capability, "\"}")),
                IsOk());
  };
  const std::string digest = Sha256Hex(ReadFile(folder_ / "slice.ts").value());
  const std::string capability = at::get_cpu_capability();
  write("0", TORCH_VERSION, capability);
  EXPECT_THAT(remark(), HasSubstr("made from another slice.ts; compile it again"));
  write(digest, "1.0.0", capability);
  EXPECT_THAT(remark(), HasSubstr("made by torch 1.0.0"));
  write(digest, TORCH_VERSION, "ABACUS");
  EXPECT_THAT(remark(), HasSubstr("is for ABACUS"));
  write(digest, TORCH_VERSION, capability, /*most_slices=*/0);
  EXPECT_THAT(remark(), HasSubstr("takes batches of at most 0 slices, and batching.sizes has 1"));
  write(digest, TORCH_VERSION, capability, /*most_slices=*/1);
  EXPECT_THAT(remark(), HasSubstr("slice.pt2"));  // is not there
  ASSERT_THAT(WriteFile(folder_ / "compiled" / "slice.pt2", "native code"), IsOk());
  EXPECT_THAT(remark(), HasSubstr("is not what compiled.json says"));
  ASSERT_THAT(WriteFile(folder_ / "compiled" / "compiled.json", "{}"), IsOk());
  EXPECT_THAT(remark(), HasSubstr("slice_digest"));
}

TEST_F(BundleTest, ComputesInAPrecisionThatTheManifestAllows) {
  EXPECT_THAT(LoadBundle(folder_, {.precision = Precision::kBf16}),
              StatusIs(kRefused, AllOf(HasSubstr("tiny 1"), HasSubstr("bf16"),
                                       HasSubstr("m3lung-train precision"))));
  M3L_ASSERT_OK_AND_ASSIGN(const auto tried, LoadBundle(folder_, {.precision = Precision::kBf16,
                                                                  .any_precision = true}));
  const bool offers = ProcessorOffers(Precision::kBf16);  // without, it need not be fused
  EXPECT_THAT(tried->runs_on, StartsWith(offers ? "TorchScript bf16, fused" : "TorchScript bf16"));

  ChangeManifest("\"fp32\"", "\"bf16\", \"fp32\"");
  M3L_ASSERT_OK_AND_ASSIGN(const auto allowed,
                           LoadBundle(folder_, {.precision = Precision::kBf16}));
  EXPECT_THAT(allowed->runs_on,
              StartsWith(offers ? "TorchScript bf16, fused" : "TorchScript bf16"));
  M3L_ASSERT_OK_AND_ASSIGN(const auto full, LoadBundle(folder_, {.precision = Precision::kFp32}));
  EXPECT_EQ(full->runs_on, "TorchScript fp32, fused");
  M3L_ASSERT_OK_AND_ASSIGN(const auto chosen, LoadBundle(folder_, {}));
  EXPECT_EQ(chosen->runs_on, ProcessorOffers(Precision::kBf16) ? "TorchScript bf16, fused"
                                                               : "TorchScript fp32, fused");
}

TEST_F(BundleTest, TheSameSeedWritesTheSameManifest) {
  const TemporaryFolder other;
  M3L_ASSERT_OK_AND_ASSIGN(const auto folder, WriteBundle(TinyContents(), other.path(), false));
  EXPECT_EQ(ReadFile(folder / "manifest.json").value(), Manifest());
}

TEST_F(BundleTest, IsNotLoadedOnceAskedToStop) {
  std::stop_source stop;
  EXPECT_THAT(LoadBundle(folder_, {.stop = stop.get_token()}), IsOk());
  stop.request_stop();
  EXPECT_THAT(LoadBundle(folder_, {.stop = stop.get_token()}),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("asked to stop")));
}

TEST(RunGoldenTest, StopsBetweenTwoBatches) {
  testing::StoppingRunner runner(/*batches=*/2);
  const std::vector<HuPixels> slices(5, HuPixels(16, 0));
  EXPECT_THAT(RunGolden(runner, slices, 1, runner.token()),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_EQ(runner.batches_run(), 2U);
}

TEST_F(BundleTest, RefusesAFileThatIsNotTheManifests) {
  for (const char* file : {"slice.ts", "patient.ts", "golden.hu"}) {
    const std::string bytes = ReadFile(folder_ / file).value();
    std::string changed = bytes;
    changed[changed.size() / 2] ^= 1;
    ASSERT_THAT(WriteFile(folder_ / file, changed), IsOk());
    EXPECT_THAT(LoadBundle(folder_, {}),
                StatusIs(kRefused, AllOf(HasSubstr(file), HasSubstr(Sha256Hex(changed)),
                                         HasSubstr(Sha256Hex(bytes)))));
    ASSERT_THAT(WriteFile(folder_ / file, bytes), IsOk());
  }
  EXPECT_THAT(LoadBundle(folder_, {}), IsOk());
}

TEST_F(BundleTest, RefusesAMissingFile) {
  for (const char* file : {"golden.hu", "patient.ts", "slice.ts", "manifest.json"}) {
    const std::string bytes = ReadFile(folder_ / file).value();
    std::filesystem::remove(folder_ / file);
    EXPECT_THAT(LoadBundle(folder_, {}),
                StatusIs(kRefused, AllOf(HasSubstr("not whole"), HasSubstr(file))));
    ASSERT_THAT(WriteFile(folder_ / file, bytes), IsOk());
  }
}

TEST_F(BundleTest, RefusesAnUnknownManifestField) {
  ChangeManifest("\"crop_mode\":", "\"crop\": 1, \"crop_mode\":");
  EXPECT_THAT(LoadBundle(folder_, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("manifest.json"), HasSubstr("unknown field \"crop\""))));
}

TEST_F(BundleTest, RefusesGoldenOutputThatDiffers) {
  // Networks of another seed under a manifest that vouches for their digests.
  const TemporaryFolder other;
  BundleContents contents = TinyContents();
  contents.slice_net = testing::MakeTinySliceNet(testing::TinySliceOptions(), /*seed=*/2);
  M3L_ASSERT_OK_AND_ASSIGN(const auto folder,
                           WriteBundle(std::move(contents), other.path(), false));
  const std::string bytes = ReadFile(folder / "slice.ts").value();
  const std::string digest = Sha256Hex(ReadFile(folder_ / "slice.ts").value());
  ASSERT_THAT(WriteFile(folder_ / "slice.ts", bytes), IsOk());
  ChangeManifest(digest, Sha256Hex(bytes));
  EXPECT_THAT(LoadBundle(folder_, {}),
              StatusIs(kRefused, AllOf(HasSubstr("golden.hu: slice 0, probability 0 is "),
                                       HasSubstr("but the manifest says"))));
}

TEST_F(BundleTest, RefusesAGoldenInputOfAnotherLength) {
  const std::string golden = ReadFile(folder_ / "golden.hu").value();
  const std::string shorter = golden.substr(2);
  ASSERT_THAT(WriteFile(folder_ / "golden.hu", shorter), IsOk());
  ChangeManifest(Sha256Hex(golden), Sha256Hex(shorter));
  EXPECT_THAT(LoadBundle(folder_, {}),
              StatusIs(kRefused,
                       AllOf(HasSubstr("golden.hu has 36862 bytes"), HasSubstr("expected 36864"))));
}

TEST_F(BundleTest, RefusesAFolderOfAnotherName) {
  const auto moved = scratch_.path() / "tiny" / "2";
  std::filesystem::rename(folder_, moved);
  EXPECT_THAT(LoadBundle(moved, {}), StatusIs(kRefused, HasSubstr("holds bundle tiny/1")));
}

TEST_F(BundleTest, RefusesAnUnknownDevice) {
  EXPECT_THAT(LoadBundle(folder_, {.device = "tpu"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"tpu\"")));
}

TEST_F(BundleTest, WritesOverABundleOnlyWhenTold) {
  EXPECT_THAT(WriteBundle(TinyContents(), scratch_.path(), false),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("another version")));
  EXPECT_THAT(WriteBundle(TinyContents(), scratch_.path(), true), IsOk());
  EXPECT_THAT(LoadBundle(folder_, {}), IsOk());
}

TEST_F(BundleTest, LeavesNothingBehindWhenRefusedToWrite) {
  BundleContents contents = TinyContents("tiny", "2");
  contents.manifest.healthy_share_threshold = 2;
  EXPECT_THAT(
      WriteBundle(std::move(contents), scratch_.path(), false),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"healthy_share_threshold\"")));
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindBundles(scratch_.path()));
  EXPECT_THAT(found.folders, ElementsAre(folder_));
  EXPECT_THAT(found.passed_over, IsEmpty());
}

TEST_F(BundleTest, RefusesNetworksThatDoNotFitTogether) {
  BundleContents contents = TinyContents("tiny", "2");
  PatientNetOptions options = testing::TinyPatientOptions();
  options.feature_size += 1;
  contents.patient_net = testing::MakeTinyPatientNet(options);
  EXPECT_THAT(WriteBundle(std::move(contents), scratch_.path(), false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("193 features")));
}

}  // namespace
}  // namespace m3lung
