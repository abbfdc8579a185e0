// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/phantom.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/lungs/lung_volume.h"
#include "tests/testing/status_matchers.h"
#include "tests/training/cohort/mask_pixels.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/uid.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::Pixels;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

constexpr Label kLabels[] = {Label::kHealthy, Label::kCovid19, Label::kH1n1, Label::kCap};

Phantom MakeSmall(Label label, uint64_t seed = 3) {
  return MakePhantom({.label = label, .seed = seed, .slices = 24, .size = 256});
}

double MeanHu(const Phantom& phantom, const std::vector<cv::Mat>& masks) {
  double sum = 0, count = 0;
  for (size_t i = 0; i < masks.size(); ++i) {
    const int n = cv::countNonZero(masks[i]);
    if (n > 0) sum += n * cv::mean(phantom.slices[i].hu, masks[i])[0];
    count += n;
  }
  return count > 0 ? sum / count : 0;
}

class PhantomTest : public ::testing::TestWithParam<Label> {};

TEST_P(PhantomTest, IsAWholeStudyFromHeadToFeet) {
  const Phantom phantom = MakeSmall(GetParam());
  ASSERT_EQ(phantom.slices.size(), 24u);
  ASSERT_EQ(phantom.lung_masks.size(), 24u);
  ASSERT_EQ(phantom.lesion_masks.size(), 24u);
  for (size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(phantom.slices[i].hu.type(), CV_16SC1);
    EXPECT_EQ(phantom.slices[i].hu.size(), cv::Size(256, 256));
    EXPECT_EQ(phantom.lung_masks[i].type(), CV_8UC1);
    if (i > 0) {
      EXPECT_NEAR(phantom.slices[i - 1].geometry.PositionAlongNormal() -
                      phantom.slices[i].geometry.PositionAlongNormal(),
                  320.0 / 23, 1e-9);
    }
  }
  EXPECT_EQ(cv::countNonZero(phantom.lung_masks.front()), 0);
  EXPECT_EQ(cv::countNonZero(phantom.lung_masks.back()), 0);
  EXPECT_GT(cv::countNonZero(phantom.lung_masks[11]), 256 * 256 / 8);
}

TEST_P(PhantomTest, LesionsLieInTheLungsAndAreDenser) {
  const Phantom phantom = MakeSmall(GetParam());
  for (size_t i = 0; i < phantom.slices.size(); ++i) {
    EXPECT_EQ(cv::countNonZero(phantom.lesion_masks[i] & ~phantom.lung_masks[i]), 0) << i;
  }
  if (GetParam() == Label::kHealthy) {
    EXPECT_EQ(Pixels(phantom.lesion_masks), 0);
    return;
  }
  EXPECT_GT(Pixels(phantom.lesion_masks), Pixels(phantom.lung_masks) / 200);
  EXPECT_GT(MeanHu(phantom, phantom.lesion_masks), MeanHu(phantom, phantom.lung_masks) + 150);
}

TEST_P(PhantomTest, DensitiesArePlausible) {
  const Phantom phantom = MakeSmall(GetParam());
  const cv::Mat& middle = phantom.slices[11].hu;
  EXPECT_NEAR(cv::mean(middle(cv::Rect(2, 2, 20, 20)))[0], -1000, 8);
  cv::Mat healthy = phantom.lung_masks[11] & ~phantom.lesion_masks[11];
  EXPECT_NEAR(cv::mean(middle, healthy)[0], -820, 60);
  double low = 0, high = 0;
  cv::minMaxLoc(middle, &low, &high);
  EXPECT_GE(low, -1024);
  EXPECT_GT(high, 300);
  EXPECT_LT(high, 1000);
}

INSTANTIATE_TEST_SUITE_P(Labels, PhantomTest, ::testing::ValuesIn(kLabels));

TEST(PhantomTest, SameSeedSameStudyOtherSeedAnother) {
  const Phantom a = MakeSmall(Label::kCovid19), b = MakeSmall(Label::kCovid19),
                c = MakeSmall(Label::kCovid19, 4);
  for (size_t i = 0; i < a.slices.size(); ++i) {
    EXPECT_EQ(cv::norm(a.slices[i].hu, b.slices[i].hu, cv::NORM_INF), 0) << i;
    EXPECT_EQ(a.slices[i].sop_instance_uid, b.slices[i].sop_instance_uid);
  }
  EXPECT_GT(cv::norm(a.slices[11].hu, c.slices[11].hu, cv::NORM_INF), 100);
  EXPECT_NE(a.slices[11].sop_instance_uid, c.slices[11].sop_instance_uid);
}

TEST(PhantomTest, ClassesShowTheirPattern) {
  double covid_hu = 0, cap_hu = 0;
  int one_sided = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Phantom covid = MakeSmall(Label::kCovid19, seed), h1n1 = MakeSmall(Label::kH1n1, seed),
                  cap = MakeSmall(Label::kCap, seed);
    covid_hu += MeanHu(covid, covid.lesion_masks) / 5;
    cap_hu += MeanHu(cap, cap.lesion_masks) / 5;
    // Both sides of the chest but for CAP.
    const auto share_on_right = [](const Phantom& phantom) {
      int right = 0;
      for (const cv::Mat& m : phantom.lesion_masks) right += cv::countNonZero(m.colRange(0, 128));
      return static_cast<double>(right) / Pixels(phantom.lesion_masks);
    };
    one_sided += std::abs(share_on_right(cap) - 0.5) > 0.45;
    for (const Phantom* both : {&covid, &h1n1}) {
      EXPECT_GT(share_on_right(*both), 0.02) << seed;
      EXPECT_LT(share_on_right(*both), 0.98) << seed;
    }
  }
  // Ground glass is fainter than consolidation.
  EXPECT_LT(covid_hu, cap_hu - 60);
  EXPECT_GE(one_sided, 3);
}

TEST(PhantomTest, LungsAreFoundInAllThatIsDrawn) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    PhantomOptions options = DrawPhantomOptions(seed);
    options.label = kLabels[seed % 4];
    options.severity = 0.3;
    options.size = 256;
    const Phantom phantom = MakePhantom(options);
    const SliceGeometry& first = phantom.slices.front().geometry;
    const CoarseGrid grid = GridFor({256, 256}, first.row_spacing_mm, first.column_spacing_mm);
    std::vector<cv::Mat> coarse;
    std::vector<double> positions_mm;
    for (const HuSlice& slice : phantom.slices) {
      coarse.push_back(Coarsen(slice.hu, grid));
      positions_mm.push_back(slice.geometry.PositionAlongNormal());
    }
    const LungVolume lungs = FindLungs(coarse, positions_mm, grid);
    ASSERT_TRUE(lungs.found) << seed << ": " << lungs.why_not;
    double common = 0, either = 0;
    for (size_t i = 0; i < coarse.size(); ++i) {
      cv::Mat truth, found = cv::Mat::zeros(coarse[i].size(), CV_8UC1);
      cv::resize(phantom.lung_masks[i], truth, coarse[i].size(), 0, 0, cv::INTER_AREA);
      if (!lungs.masks[i].empty()) found = lungs.masks[i] != 0;
      common += cv::countNonZero((truth > 127) & found);
      either += cv::countNonZero((truth > 127) | found);
    }
    EXPECT_GT(common / either, 0.9) << seed;
  }
}

TEST(PhantomTest, PaperCropFindsTheLungsInMidChest) {
  const Phantom phantom = MakePhantom({.seed = 5, .slices = 20});
  for (int i = 6; i <= 12; ++i) {
    const LungCrop crop = CropLungPaper(phantom.slices[i].hu);
    ASSERT_EQ(crop.method, CropMode::kPaper) << i;
    const cv::Rect lungs = cv::boundingRect(phantom.lung_masks[i]);
    EXPECT_EQ(crop.box & lungs, lungs) << i;
    EXPECT_LT(crop.box.area(), 0.7 * 512 * 512) << i;
  }
}

TEST(WriteDicomStudyTest, DecodesToTheSameSlicesUnderUnorderedNames) {
  const Phantom phantom = MakePhantom({.slices = 12, .size = 128});
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "write_dicom_study_test";
  std::filesystem::remove_all(folder);
  ASSERT_THAT(WriteDicomStudy(phantom.slices, folder, {.syntax = DicomSyntax::kJpegLosslessSv1}),
              IsOk());
  std::map<std::string, double> position_by_name;
  std::map<std::string, const HuSlice*> written;
  for (const HuSlice& slice : phantom.slices) written[slice.sop_instance_uid] = &slice;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path()));
    M3L_ASSERT_OK_AND_ASSIGN(const HuSlice decoded, DecodeDicom(bytes, {}));
    ASSERT_EQ(written.count(decoded.sop_instance_uid), 1u);
    const HuSlice& original = *written[decoded.sop_instance_uid];
    EXPECT_EQ(cv::norm(decoded.hu, original.hu, cv::NORM_INF), 0);
    EXPECT_NEAR(decoded.geometry.PositionAlongNormal(), original.geometry.PositionAlongNormal(),
                1e-6);
    EXPECT_EQ(decoded.series_instance_uid, original.series_instance_uid);
    EXPECT_TRUE(decoded.warnings.empty());
    position_by_name[entry.path().filename()] = decoded.geometry.PositionAlongNormal();
  }
  ASSERT_EQ(position_by_name.size(), 12u);
  std::vector<double> in_order_of_names;
  for (const auto& [name, position] : position_by_name) in_order_of_names.push_back(position);
  EXPECT_FALSE(std::is_sorted(in_order_of_names.begin(), in_order_of_names.end()));
  EXPECT_FALSE(std::is_sorted(in_order_of_names.rbegin(), in_order_of_names.rend()));
  std::filesystem::remove_all(folder);
}

TEST(EncodeDicomTest, SameSliceSameBytes) {
  const Phantom phantom = MakePhantom({.slices = 1, .size = 64});
  M3L_ASSERT_OK_AND_ASSIGN(const std::string a, EncodeDicom(phantom.slices[0], {}));
  M3L_ASSERT_OK_AND_ASSIGN(const std::string b, EncodeDicom(phantom.slices[0], {}));
  EXPECT_EQ(a, b);
  EXPECT_THAT(a, HasSubstr("SYNTHETIC^PHANTOM"));
}

TEST(EncodeDicomTest, RefusesWhatDoesNotFit) {
  const Phantom phantom = MakePhantom({.slices = 1, .size = 64});
  EXPECT_THAT(EncodeDicom(phantom.slices[0], {.is_signed = false}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outside [0, 65535]")));
  EXPECT_THAT(EncodeDicom(phantom.slices[0], {.bits_stored = 17}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bits_stored")));
  EXPECT_THAT(EncodeDicom(phantom.slices[0], {.slope = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("slope")));
}

TEST(UidFromTest, IsAValidUidThatFollowsTheName) {
  EXPECT_EQ(UidFrom("a"), UidFrom("a"));
  EXPECT_NE(UidFrom("a"), UidFrom("b"));
  for (int i = 0; i < 100; ++i) {
    const std::string uid = UidFrom(std::to_string(i));
    EXPECT_LE(uid.size(), 44u);
    EXPECT_EQ(uid.substr(0, 5), "2.25.");
    EXPECT_EQ(uid.find_first_not_of("0123456789."), std::string::npos);
    EXPECT_NE(uid[5], '0');
  }
}

}  // namespace
}  // namespace m3lung
