// SPDX-License-Identifier: Apache-2.0
#include "training/data/prepare.h"

#include <filesystem>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgcodecs.hpp"
#include "tests/testing/status_matchers.h"
#include "torch/torch.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"
#include "training/data/prepared.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kSize = 64;

class PrepareTest : public ::testing::Test {
 protected:
  PrepareTest() : folder_(fs::path(::testing::TempDir()) / "prepare_test") {
    fs::remove_all(folder_);
    AddStudy("healthy", Label::kHealthy, 3, Split::kTrain);
    AddStudy("cap", Label::kCap, 4, Split::kTest);
  }
  ~PrepareTest() override { fs::remove_all(folder_); }

  // A study with slice labels and truth, named by its files.
  void AddStudy(const std::string& name, Label label, uint64_t seed, Split split) {
    const Phantom phantom = MakePhantom({.label = label, .seed = seed, .slices = 30, .size = 128});
    ASSERT_THAT(WriteDicomStudy(phantom.slices, folder_ / name, {}), IsOk());
    const fs::path lesions = folder_ / (name + "-truth") / "lesions";
    fs::create_directories(lesions);
    std::map<std::string, bool> labels;
    // WriteDicomStudy() does not tell which file a slice is in.
    for (const auto& entry : fs::directory_iterator(folder_ / name)) {
      M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path()));
      for (size_t i = 0; i < phantom.slices.size(); ++i) {
        if (bytes.find(phantom.slices[i].sop_instance_uid) == std::string::npos) continue;
        labels[entry.path().filename()] = cv::countNonZero(phantom.lesion_masks[i]) > 0;
        const fs::path png = lesions / entry.path().filename().replace_extension(".png");
        ASSERT_TRUE(cv::imwrite(png.string(), phantom.lesion_masks[i]));
      }
    }
    ASSERT_EQ(labels.size(), 30u);
    ASSERT_THAT(WriteSliceLabels(folder_ / (name + ".csv"), labels), IsOk());
    studies_.push_back({.name = name,
                        .folder = folder_ / name,
                        .label = label,
                        .split = split,
                        .patient = name,
                        .slice_labels = folder_ / (name + ".csv"),
                        .truth = folder_ / (name + "-truth")});
  }

  absl::StatusOr<PrepareSummary> Run() {
    EXPECT_THAT(WriteDataset(folder_ / "dataset.csv", studies_), IsOk());
    return Prepare({.dataset = folder_ / "dataset.csv",
                    .out = folder_ / "prepared",
                    .input_size = kSize,
                    .threads = 2});
  }

  const fs::path folder_;
  std::vector<DatasetStudy> studies_;
};

TEST_F(PrepareTest, KeepsTheSlicesWithLungAndTheirTruth) {
  M3L_ASSERT_OK_AND_ASSIGN(const PrepareSummary summary, Run());
  EXPECT_EQ(summary.prepared, 2);
  EXPECT_EQ(summary.reused, 0);
  EXPECT_TRUE(summary.left_out.empty());

  M3L_ASSERT_OK_AND_ASSIGN(const PreparedData data,
                           OpenPrepared(folder_ / "prepared", {Split::kTrain, Split::kTest}));
  EXPECT_EQ(data.input_size, kSize);
  EXPECT_EQ(data.crop_mode, CropMode::kVolume);
  ASSERT_EQ(data.studies.size(), 2u);
  const PreparedStudy& cap = data.studies[1];
  EXPECT_EQ(cap.label, Label::kCap);
  EXPECT_FALSE(cap.lungs.has_value());
  // Neck and abdomen are left out.
  ASSERT_GT(cap.slices.size(), 10u);
  ASSERT_LT(cap.slices.size(), 30u);
  const auto count = static_cast<int64_t>(cap.slices.size());
  EXPECT_EQ(cap.hu.sizes(), (std::vector<int64_t>{count, kSize, kSize}));
  EXPECT_EQ(cap.lesion_masks.sizes(), cap.hu.sizes());
  int with_lesion = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) {
      EXPECT_LT(cap.slices[i].position_mm, cap.slices[i - 1].position_mm);
    }
    ASSERT_TRUE(cap.slices[i].lesion.has_value());
    with_lesion += *cap.slices[i].lesion ? 1 : 0;
    const torch::Tensor mask = cap.lesion_masks[i].to(torch::kBool);
    if (!*cap.slices[i].lesion) {
      EXPECT_FALSE(mask.any().item<bool>()) << i;
    }
    // Consolidation where the truth says so, so image and mask lie on each other.
    if (mask.sum().item<int64_t>() > 40) {
      EXPECT_GT(cap.hu[i].masked_select(mask).to(torch::kFloat32).mean().item<float>(), -500) << i;
    }
  }
  EXPECT_GT(with_lesion, 3);
  for (const PreparedSlice& slice : data.studies[0].slices) EXPECT_EQ(slice.lesion, false);

  M3L_ASSERT_OK_AND_ASSIGN(const PreparedData train,
                           OpenPrepared(folder_ / "prepared", {Split::kTrain}));
  ASSERT_EQ(train.studies.size(), 1u);
  EXPECT_EQ(train.studies[0].name, "healthy");
  EXPECT_THAT(OpenPrepared(folder_ / "prepared", {Split::kValidation}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no study of split validation")));
}

TEST_F(PrepareTest, GoesOnWhereItWas) {
  ASSERT_THAT(Run().status(), IsOk());
  const fs::path kept = folder_ / "prepared" / "healthy" / "slices.hu";
  const auto made = fs::last_write_time(kept);
  AddStudy("covid", Label::kCovid19, 5, Split::kTrain);
  M3L_ASSERT_OK_AND_ASSIGN(const PrepareSummary summary, Run());
  EXPECT_EQ(summary.prepared, 3);
  EXPECT_EQ(summary.reused, 2);
  EXPECT_EQ(fs::last_write_time(kept), made);

  // Which lungs they are is told anew, and the slices are kept.
  studies_[0].lungs = Lungs::kReal;
  studies_[1].lungs = Lungs::kSynthetic;
  M3L_ASSERT_OK_AND_ASSIGN(const PrepareSummary told, Run());
  EXPECT_EQ(told.reused, 3);
  M3L_ASSERT_OK_AND_ASSIGN(const PreparedData all,
                           OpenPrepared(folder_ / "prepared", {Split::kTrain, Split::kTest}));
  EXPECT_EQ(all.studies[0].lungs, Lungs::kReal);
  EXPECT_EQ(all.studies[1].lungs, Lungs::kSynthetic);
  EXPECT_FALSE(all.studies[2].lungs.has_value());

  // Other slice labels: made again.
  ASSERT_THAT(WriteSliceLabels(folder_ / "cap.csv", {}), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const PrepareSummary again, Run());
  EXPECT_EQ(again.reused, 2);
  M3L_ASSERT_OK_AND_ASSIGN(const PreparedData data,
                           OpenPrepared(folder_ / "prepared", {Split::kTest}));
  EXPECT_FALSE(data.studies[0].slices[0].lesion.has_value());
}

// As archives export them: the last number of a UID is no ending.
TEST_F(PrepareTest, FindsTheMasksOfFilesThatAreNamedByTheirUids) {
  const auto rename = [&](const std::string& from, const std::string& to) {
    fs::rename(folder_ / "cap" / from, folder_ / "cap" / to);
    const fs::path lesions = folder_ / "cap-truth" / "lesions";
    fs::rename(lesions / fs::path(from).replace_extension(".png"), lesions / (to + ".png"));
  };
  M3L_ASSERT_OK_AND_ASSIGN(const auto labels, ReadSliceLabels(folder_ / "cap.csv"));
  std::map<std::string, bool> renamed;
  for (const auto& [file, lesion] : labels) {
    const std::string uid = absl::StrCat("1.2.826.7.", renamed.size());
    rename(file, uid);
    renamed[uid] = lesion;
  }
  ASSERT_THAT(WriteSliceLabels(folder_ / "cap.csv", renamed), IsOk());
  ASSERT_THAT(Run().status(), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const PreparedData data,
                           OpenPrepared(folder_ / "prepared", {Split::kTest}));
  const PreparedStudy& cap = data.studies[0];
  for (size_t i = 0; i < cap.slices.size(); ++i) {
    const bool any = cap.lesion_masks[static_cast<int64_t>(i)].any().item<bool>();
    EXPECT_TRUE(*cap.slices[i].lesion || !any) << cap.slices[i].file;
  }
  EXPECT_TRUE(cap.lesion_masks.any().item<bool>());
}

TEST_F(PrepareTest, LooksIntoNoHiddenFolder) {
  fs::create_directories(folder_ / "cap" / ".trash");
  fs::copy(fs::directory_iterator(folder_ / "healthy")->path(), folder_ / "cap" / ".trash" / "x");
  EXPECT_THAT(Run().status(), IsOk());
}

TEST_F(PrepareTest, RefusesLinksThatLeadNowhere) {
  fs::create_symlink("gone", folder_ / "cap" / "link.dcm");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              AllOf(HasSubstr("link.dcm"), HasSubstr("leads nowhere"))));
}

TEST_F(PrepareTest, NeverWritesOverWhatItDidNotWrite) {
  const fs::path file = fs::directory_iterator(folder_ / "cap")->path();
  M3L_ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(file));
  ASSERT_THAT(WriteDataset(folder_ / "dataset.csv", studies_), IsOk());
  // Written here, a prepared study would take its own study's place.
  EXPECT_THAT(
      Prepare(
          {.dataset = folder_ / "dataset.csv", .out = folder_, .input_size = kSize, .threads = 2}),
      StatusIs(absl::StatusCode::kAlreadyExists,
               HasSubstr("was not written by m3lung-train prepare")));
  EXPECT_EQ(ReadFile(file).value(), before);
  EXPECT_FALSE(fs::exists(folder_ / "cap" / "study.json"));
}

TEST_F(PrepareTest, FindsTheSamePixelsUnderAnotherName) {
  fs::copy(folder_ / "cap", folder_ / "copy");
  studies_.push_back({.name = "copy",
                      .folder = folder_ / "copy",
                      .label = Label::kCap,
                      .split = Split::kTrain,
                      .patient = "another"});
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("studies cap and copy hold the same slice")));
}

TEST_F(PrepareTest, LeavesOutWhatTheServerWouldNotAnswer) {
  const Phantom phantom = MakePhantom({.seed = 8, .slices = 4, .size = 128});
  ASSERT_THAT(WriteDicomStudy(phantom.slices, folder_ / "short", {}), IsOk());
  studies_.push_back({.name = "short", .folder = folder_ / "short", .patient = "short"});
  M3L_ASSERT_OK_AND_ASSIGN(const PrepareSummary summary, Run());
  ASSERT_EQ(summary.left_out.size(), 1u);
  EXPECT_EQ(summary.left_out[0].first, "short");
  EXPECT_FALSE(summary.left_out[0].second.empty());
  EXPECT_EQ(summary.prepared, 2);
}

TEST_F(PrepareTest, RefusesFilesThatAreBroken) {
  fs::path victim = fs::directory_iterator(folder_ / "cap")->path();
  fs::resize_file(victim, fs::file_size(victim) / 2);
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(victim.filename().string())));
}

TEST_F(PrepareTest, RefusesSliceLabelsOfFilesThatAreNotThere) {
  ASSERT_THAT(WriteSliceLabels(folder_ / "cap.csv", {{"other.dcm", true}}), IsOk());
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names other.dcm")));
}

TEST_F(PrepareTest, PreparedFilesThatWereCutAreNotTrainedOn) {
  ASSERT_THAT(Run().status(), IsOk());
  const fs::path hu = folder_ / "prepared" / "cap" / "slices.hu";
  fs::resize_file(hu, fs::file_size(hu) - 2);
  EXPECT_THAT(OpenPrepared(folder_ / "prepared", {Split::kTest}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("slices.hu")));
}

}  // namespace
}  // namespace m3lung
