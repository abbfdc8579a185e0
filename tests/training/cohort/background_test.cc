// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/background.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/lung_volume.h"
#include "tests/testing/status_matchers.h"
#include "tests/training/cohort/mask_pixels.h"
#include "training/cohort/dicom_writer.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::Pixels;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int kSize = 256;
constexpr int kSlices = 40;

Phantom Source(uint64_t seed = 5) {
  return MakePhantom({.seed = seed, .slices = kSlices, .size = kSize, .confounders = false});
}

std::vector<StudySlice> SlicesOf(std::vector<HuSlice> decoded) {
  std::vector<StudySlice> slices;
  for (size_t i = 0; i < decoded.size(); ++i) {
    slices.push_back(ToStudySlice(static_cast<int>(i), {}, std::move(decoded[i])));
  }
  return slices;
}

const Background& PhantomBackground() {
  static const Background* const background = [] {
    absl::StatusOr<Background> made = MakeBackground(SlicesOf(Source().slices));
    EXPECT_THAT(made, IsOk());
    return new Background(*std::move(made));
  }();
  return *background;
}

BackgroundStudyOptions AsItIs(Label label) {
  return {.label = label, .seed = 3, .size = kSize, .confounders = false, .transform = {}};
}

TEST(MakeBackgroundTest, FindsTheLungsWithTheirVesselsAtFullResolution) {
  const Phantom source = Source();
  const Background& background = PhantomBackground();
  ASSERT_EQ(background.hu.size(), source.slices.size());
  double common = 0, either = 0;
  for (size_t i = 0; i < background.sides.size(); ++i) {
    const cv::Mat found = background.sides[i] != 0;
    common += cv::countNonZero(found & source.lung_masks[i]);
    either += cv::countNonZero(found | source.lung_masks[i]);
    // Right is right.
    EXPECT_EQ(cv::countNonZero(background.sides[i].colRange(0, kSize / 2 - 20) == kLeftLung), 0);
  }
  EXPECT_GT(common / either, 0.93);
  EXPECT_NEAR(background.noise_hu, 18, 4);  // of 20 HU, less what is coarser
}

TEST(MakeBackgroundTest, RefusesWhatShowsNoLungs) {
  EXPECT_THAT(MakeBackground({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no CT")));
  std::vector<HuSlice> abdomen = Source().slices;
  abdomen.erase(abdomen.begin(), abdomen.end() - 4);
  EXPECT_THAT(MakeBackground(SlicesOf(std::move(abdomen))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no lungs")));
}

TEST(ReadBackgroundTest, ReadsAFolderOfDicomFilesAndNothingOfTheirHeaders) {
  const Phantom source = Source();
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "read_background_test";
  std::filesystem::remove_all(folder);
  ASSERT_THAT(WriteDicomStudy(source.slices, folder, {}), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const Background background, ReadBackground(folder));
  ASSERT_EQ(background.hu.size(), source.slices.size());
  std::set<std::string> uids;
  for (const HuSlice& slice : source.slices) uids.insert(slice.sop_instance_uid);
  const SyntheticStudy study = MakeOnBackground(background, AsItIs(Label::kHealthy));
  for (size_t i = 0; i < study.slices.size(); ++i) {
    EXPECT_EQ(cv::norm(background.hu[i], source.slices[i].hu, cv::NORM_INF), 0) << i;
    EXPECT_EQ(uids.count(study.slices[i].sop_instance_uid), 0u);
    EXPECT_NE(study.slices[i].series_instance_uid, source.slices[i].series_instance_uid);
  }
  std::filesystem::remove_all(folder);
  EXPECT_THAT(ReadBackground(folder),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("cannot list " + folder.string())));
}

TEST(MakeOnBackgroundTest, HealthyAndUntransformedIsTheBackgroundItself) {
  const SyntheticStudy study = MakeOnBackground(PhantomBackground(), AsItIs(Label::kHealthy));
  ASSERT_EQ(study.slices.size(), PhantomBackground().hu.size());
  EXPECT_EQ(Pixels(study.lesion_masks), 0);
  for (size_t i = 0; i < study.slices.size(); ++i) {
    EXPECT_LE(cv::norm(study.slices[i].hu, PhantomBackground().hu[i], cv::NORM_INF), 1) << i;
  }
}

TEST(MakeOnBackgroundTest, LesionsChangeTheLungsAndNothingElse) {
  const SyntheticStudy healthy = MakeOnBackground(PhantomBackground(), AsItIs(Label::kHealthy));
  for (const Label label : {Label::kCovid19, Label::kH1n1, Label::kCap}) {
    const SyntheticStudy ill = MakeOnBackground(PhantomBackground(), AsItIs(label));
    EXPECT_GT(Pixels(ill.lesion_masks), Pixels(ill.lung_masks) / 300) << LabelName(label);
    double raised = 0, lesion = 0;
    for (size_t i = 0; i < ill.slices.size(); ++i) {
      EXPECT_EQ(cv::countNonZero(ill.lesion_masks[i] & ~ill.lung_masks[i]), 0) << i;
      cv::Mat near;  // the lung and the half-filled pixels of its border
      cv::dilate(ill.lung_masks[i], near, cv::Mat::ones(3, 3, CV_8U), {-1, -1}, 2);
      EXPECT_EQ(cv::countNonZero((ill.slices[i].hu != healthy.slices[i].hu) & ~near), 0) << i;
      cv::Mat change;
      cv::subtract(ill.slices[i].hu, healthy.slices[i].hu, change, cv::noArray(), CV_32F);
      const int pixels = cv::countNonZero(ill.lesion_masks[i]);
      if (pixels > 0) raised += pixels * cv::mean(change, ill.lesion_masks[i])[0];
      lesion += pixels;
    }
    EXPECT_GT(raised / lesion, 150) << LabelName(label);
  }
}

TEST(MakeOnBackgroundTest, TransformsThePatientAsAWhole) {
  const Background& background = PhantomBackground();
  const auto middle = [](const SyntheticStudy& study, size_t i) {
    const cv::Moments m = cv::moments(study.lung_masks[i], true);
    return cv::Point2d(m.m10 / m.m00, m.m01 / m.m00);
  };
  const SyntheticStudy plain = MakeOnBackground(background, AsItIs(Label::kHealthy));
  BackgroundStudyOptions options = AsItIs(Label::kHealthy);
  options.transform.shift_mm = {12, -6};
  const SyntheticStudy shifted = MakeOnBackground(background, options);
  const size_t i = kSlices / 2;
  const double mm = plain.slices[0].geometry.column_spacing_mm;
  EXPECT_NEAR(middle(shifted, i).x - middle(plain, i).x, 12 / mm, 0.5);
  EXPECT_NEAR(middle(shifted, i).y - middle(plain, i).y, -6 / mm, 0.5);

  options = AsItIs(Label::kHealthy);
  options.transform.mirrored = true;
  const SyntheticStudy mirrored = MakeOnBackground(background, options);
  cv::Mat back;
  cv::flip(mirrored.slices[i].hu, back, 1);
  EXPECT_LE(cv::norm(back, plain.slices[i].hu, cv::NORM_INF), 1);

  // Larger by a tenth: so much more area, and so many more millimetres of length.
  options = AsItIs(Label::kHealthy);
  options.transform.scale = 1.1;
  const SyntheticStudy larger = MakeOnBackground(background, options);
  EXPECT_NEAR(cv::countNonZero(larger.lung_masks[i]) /
                  static_cast<double>(cv::countNonZero(plain.lung_masks[i])),
              1.21, 0.02);
  EXPECT_NEAR(larger.slices[0].geometry.PositionAlongNormal() -
                  larger.slices[1].geometry.PositionAlongNormal(),
              1.1 * (background.t[1] - background.t[0]), 1e-6);

  // Thick slices: fewer, with less noise.
  options = AsItIs(Label::kHealthy);
  options.transform.spacing_mm = 24;
  options.transform.thickness_mm = 24;
  const SyntheticStudy thick = MakeOnBackground(background, options);
  EXPECT_EQ(thick.slices.size(), 14u);
  cv::Scalar mean, thin_noise, thick_noise;
  const cv::Rect air(4, 4, 40, 40);
  cv::meanStdDev(plain.slices[4].hu(air), mean, thin_noise);
  cv::meanStdDev(thick.slices[4].hu(air), mean, thick_noise);
  EXPECT_LT(thick_noise[0], 0.8 * thin_noise[0]);
}

TEST(MakeOnBackgroundTest, SameSeedSameStudyOtherSeedAnother) {
  BackgroundStudyOptions options = AsItIs(Label::kCovid19);
  options.confounders = true;
  Random random(4);
  options.transform = DrawTransform(random);
  options.transform.spacing_mm = 9;
  const SyntheticStudy a = MakeOnBackground(PhantomBackground(), options),
                       b = MakeOnBackground(PhantomBackground(), options);
  options.seed = 4;
  const SyntheticStudy c = MakeOnBackground(PhantomBackground(), options);
  ASSERT_EQ(a.slices.size(), b.slices.size());
  int differ = 0;
  for (size_t i = 0; i < a.slices.size(); ++i) {
    EXPECT_EQ(cv::norm(a.slices[i].hu, b.slices[i].hu, cv::NORM_INF), 0) << i;
    differ += cv::countNonZero(a.lesion_masks[i] != c.lesion_masks[i]);
  }
  EXPECT_GT(differ, 100);
}

}  // namespace
}  // namespace m3lung
