// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/lung_volume.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/dicom_decoder.h"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

struct Study {
  std::vector<cv::Mat> coarse;
  std::vector<double> positions_mm;
  CoarseGrid grid;

  LungVolume Find() const { return FindLungs(coarse, positions_mm, grid); }
};

Study StudyOf(const Phantom& phantom) {
  Study study;
  const SliceGeometry& first = phantom.slices.front().geometry;
  study.grid =
      GridFor(phantom.slices.front().hu.size(), first.row_spacing_mm, first.column_spacing_mm);
  for (const HuSlice& slice : phantom.slices) {
    study.coarse.push_back(Coarsen(slice.hu, study.grid));
    study.positions_mm.push_back(slice.geometry.PositionAlongNormal());
  }
  return study;
}

// A mask of elements at the size of the image.
cv::Mat InPixels(const cv::Mat& mask, const CoarseGrid& grid) {
  cv::Mat pixels(grid.image, CV_8UC1, cv::Scalar(0));
  if (mask.empty()) return pixels;
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      pixels.at<uchar>(y, x) = mask.at<uchar>(y / grid.row_factor, x / grid.column_factor);
    }
  }
  return pixels;
}

class PhantomTest : public testing::TestWithParam<std::tuple<Label, int, int>> {};

TEST_P(PhantomTest, LungsAreFound) {
  const auto [label, seed, slices] = GetParam();
  const Phantom phantom = MakePhantom(
      {.label = label, .seed = static_cast<uint64_t>(seed), .slices = slices, .size = 256});
  const Study study = StudyOf(phantom);
  const LungVolume volume = study.Find();
  ASSERT_TRUE(volume.found) << volume.why_not;
  ASSERT_EQ(volume.masks.size(), phantom.slices.size());

  double both = 0, found = 0, truth = 0;
  cv::Rect bounds;
  for (int i = 0; i < slices; ++i) {
    const cv::Mat mask = InPixels(volume.masks[i], study.grid) != 0;
    const cv::Mat& lung = phantom.lung_masks[i];
    both += cv::countNonZero(mask & lung);
    found += cv::countNonZero(mask);
    truth += cv::countNonZero(lung);
    bounds |= cv::boundingRect(lung);
    // Tips of lung may be missed, and what is beyond them by a slice.
    const double lung_cm2 = cv::countNonZero(lung) * std::pow(360.0 / 256, 2) / 100;
    if (lung_cm2 > 12) {
      EXPECT_FALSE(volume.masks[i].empty()) << i;
    }
    if (lung_cm2 == 0) {
      EXPECT_TRUE(volume.masks[i].empty()) << i;
    }
  }
  EXPECT_GT(2 * both / (found + truth), 0.93);
  EXPECT_EQ(volume.box & bounds, bounds);
  EXPECT_LT(volume.box.area(), 1.5 * bounds.area());
  EXPECT_EQ(volume.unseen_side, kNoLung);
}

INSTANTIATE_TEST_SUITE_P(Cohort, PhantomTest,
                         testing::Combine(testing::Values(Label::kHealthy, Label::kCovid19,
                                                          Label::kH1n1, Label::kCap),
                                          testing::Values(1, 2), testing::Values(12, 40)));

// A torso of plain shapes in mm: 128 x 128 pixels of 3 mm, slices 5 mm apart.
struct Torso {
  static constexpr int kSlices = 50;
  std::vector<cv::Mat> slices;

  Torso() {
    for (int i = 0; i < kSlices; ++i) {
      slices.emplace_back(128, 128, CV_16SC1, cv::Scalar(-1000));
      Fill(i, i + 1, {0, 0}, {165, 110}, 40);
    }
  }
  // An ellipse around `centre` (from the image's middle) in slices first to end - 1.
  void Fill(int first, int end, cv::Point centre, cv::Size radii, int hu) {
    for (int i = first; i < end; ++i) {
      cv::ellipse(slices[i], {64 + centre.x / 3, 64 + centre.y / 3},
                  {radii.width / 3, radii.height / 3}, 0, 0, 360, cv::Scalar(hu), cv::FILLED);
    }
  }
  void Lung(LungSide side, int hu) {
    Fill(8, 38, {side == kRightLung ? -70 : 70, 0}, {52, 75}, hu);
  }
  void Lungs() {
    Lung(kRightLung, -850);
    Lung(kLeftLung, -850);
  }
  LungVolume Find() const {
    const CoarseGrid grid = GridFor({128, 128}, 3, 3);
    Study study;
    study.grid = grid;
    for (int i = 0; i < kSlices; ++i) {
      study.coarse.push_back(Coarsen(slices[i], grid));
      study.positions_mm.push_back(-5.0 * i);
    }
    return study.Find();
  }
};

// Of the pixels of the lungs of Torso::Lungs(), with the margin of 10 mm.
constexpr int kLeft = 64 - 40 - 4, kRight = 64 + 40 + 5;

TEST(FindLungsTest, BoxHasItsMarginAndSidesAreTold) {
  Torso torso;
  torso.Lungs();
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found) << volume.why_not;
  EXPECT_NEAR(volume.box.x, kLeft, 1);
  EXPECT_NEAR(volume.box.br().x, kRight, 1);
  EXPECT_EQ(volume.slices_with_lung, 30);
  EXPECT_TRUE(volume.masks[7].empty());
  EXPECT_FALSE(volume.masks[8].empty());
  EXPECT_TRUE(volume.masks[38].empty());
  EXPECT_EQ(volume.masks[20].at<uchar>(64, 40), kRightLung);
  EXPECT_EQ(volume.masks[20].at<uchar>(64, 88), kLeftLung);
  EXPECT_FALSE(volume.cut_at_head);
  EXPECT_FALSE(volume.cut_at_feet);
  // Two elliptic cylinders of 150 mm.
  EXPECT_NEAR(volume.volume_ml, 2 * M_PI * 5.2 * 7.5 * 15, 300);
}

TEST(FindLungsTest, GasTracheaAndTableChangeNothing) {
  Torso torso;
  torso.Lungs();
  const LungVolume alone = torso.Find();
  torso.Fill(0, 20, {0, 0}, {9, 9}, -985);        // trachea
  torso.Fill(40, 50, {60, -30}, {60, 40}, -985);  // gas below the diaphragm
  for (cv::Mat& slice : torso.slices) {
    cv::rectangle(slice, {10, 102}, {117, 120}, cv::Scalar(100), cv::FILLED);  // table
    cv::rectangle(slice, {12, 104}, {115, 118}, cv::Scalar(-870), cv::FILLED);
  }
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found) << volume.why_not;
  EXPECT_EQ(volume.box, alone.box);
  EXPECT_EQ(volume.slices_with_lung, alone.slices_with_lung);
  EXPECT_NEAR(volume.volume_ml, alone.volume_ml, 1);
}

TEST(FindLungsTest, ThinDiaphragmDoesNotLetGasIn) {
  Torso torso;
  torso.Lungs();
  torso.Fill(39, 50, {70, 0}, {40, 50}, -985);
  torso.Fill(38, 39, {70, 0}, {4, 4}, -900);  // a leak
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found);
  EXPECT_LE(volume.slices_with_lung, 31);
}

TEST(FindLungsTest, WhiteLungKeepsItsPlaceInTheBox) {
  for (const LungSide white : {kRightLung, kLeftLung}) {
    Torso torso;
    torso.Lungs();
    torso.Lung(white, 30);
    const LungVolume volume = torso.Find();
    ASSERT_TRUE(volume.found) << volume.why_not;
    EXPECT_EQ(volume.unseen_side, white);
    EXPECT_NEAR(volume.box.x, kLeft, 2);
    EXPECT_NEAR(volume.box.br().x, kRight, 2);
  }
}

TEST(FindLungsTest, MaskHoldsVesselsAndLesions) {
  Torso torso;
  torso.Lungs();
  const LungVolume clear = torso.Find();
  torso.Fill(15, 30, {-70, 10}, {25, 30}, 20);
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found);
  EXPECT_NEAR(volume.volume_ml, clear.volume_ml, 0.01 * clear.volume_ml);
}

TEST(FindLungsTest, LungsThatMeetInFrontArePartedAtTheMidline) {
  Torso torso;
  torso.Lungs();
  for (int i = 12; i < 30; ++i) {
    cv::rectangle(torso.slices[i], {52, 44}, {76, 50}, cv::Scalar(-850), cv::FILLED);
  }
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found);
  EXPECT_EQ(volume.masks[20].at<uchar>(64, 40), kRightLung);
  EXPECT_EQ(volume.masks[20].at<uchar>(64, 88), kLeftLung);
  EXPECT_EQ(volume.masks[20].at<uchar>(47, 64 - 5), kRightLung);
  EXPECT_EQ(volume.masks[20].at<uchar>(47, 64 + 5), kLeftLung);
}

TEST(FindLungsTest, NothingThatIsNoLungIsTakenForOne) {
  Torso solid;
  solid.Fill(0, 50, {0, 0}, {9, 9}, -985);        // a trachea alone
  solid.Fill(20, 50, {50, -30}, {60, 40}, -985);  // bowel gas
  const LungVolume abdomen = solid.Find();
  EXPECT_FALSE(abdomen.found);
  EXPECT_THAT(abdomen.why_not, testing::HasSubstr("no air in the body"));
  ASSERT_EQ(abdomen.masks.size(), 50u);
  EXPECT_TRUE(abdomen.masks[0].empty());

  Torso empty;
  for (cv::Mat& slice : empty.slices) slice.setTo(-1000);
  EXPECT_THAT(empty.Find().why_not, testing::HasSubstr("no body"));
}

TEST(FindLungsTest, OneSliceIsEnough) {
  Torso torso;
  torso.Lungs();
  const CoarseGrid grid = GridFor({128, 128}, 3, 3);
  const std::vector<cv::Mat> coarse = {Coarsen(torso.slices[20], grid)};
  const LungVolume volume = FindLungs(coarse, std::vector<double>{12.5}, grid);
  ASSERT_TRUE(volume.found) << volume.why_not;
  EXPECT_NEAR(volume.box.x, kLeft, 1);
  EXPECT_NEAR(volume.box.br().x, kRight, 1);
  EXPECT_TRUE(volume.cut_at_head);
  EXPECT_TRUE(volume.cut_at_feet);
}

TEST(FindLungsTest, RoundFieldOfViewThatCutsTheBodyAddsNoLung) {
  Torso torso;
  torso.Lungs();
  const LungVolume whole = torso.Find();
  cv::Mat outside(128, 128, CV_8UC1, cv::Scalar(255));
  cv::circle(outside, {64, 64}, 48, cv::Scalar(0), cv::FILLED);  // 144 mm
  for (cv::Mat& slice : torso.slices) slice.setTo(-1000, outside);
  const LungVolume volume = torso.Find();
  ASSERT_TRUE(volume.found) << volume.why_not;
  EXPECT_EQ(volume.box, whole.box);
  EXPECT_EQ(volume.slices_with_lung, whole.slices_with_lung);
}

TEST(CoarseGridTest, ElementsAreMeansAlsoAtOddEnds) {
  const CoarseGrid grid = GridFor({5, 3}, 1.25, 0.8);
  EXPECT_EQ(grid.row_factor, 2);
  EXPECT_EQ(grid.column_factor, 3);
  EXPECT_DOUBLE_EQ(grid.column_mm, 2.4);
  cv::Mat hu(3, 5, CV_16SC1);
  for (int i = 0; i < 15; ++i) hu.at<int16_t>(i / 5, i % 5) = static_cast<int16_t>(i);
  const cv::Mat coarse = Coarsen(hu, grid);
  ASSERT_EQ(coarse.size(), cv::Size(2, 2));
  EXPECT_EQ(coarse.at<int16_t>(0, 0), 4);   // of 0 1 2 5 6 7, 3.5 rounded away from 0
  EXPECT_EQ(coarse.at<int16_t>(0, 1), 6);   // of 3 4 8 9
  EXPECT_EQ(coarse.at<int16_t>(1, 0), 11);  // of 10 11 12
  EXPECT_EQ(coarse.at<int16_t>(1, 1), 14);  // of 13 14, 13.5
}

TEST(FindLungsTest, NonSquarePixelsGiveTheSameBoxInMillimetres) {
  const Phantom phantom = MakePhantom({.seed = 5, .slices = 24, .size = 256});
  const Study square = StudyOf(phantom);
  Study flat;
  flat.positions_mm = square.positions_mm;
  flat.grid = GridFor({256, 128}, 2 * 360.0 / 256, 360.0 / 256);
  for (const HuSlice& slice : phantom.slices) {
    cv::Mat half;
    cv::resize(slice.hu, half, {256, 128}, 0, 0, cv::INTER_AREA);
    flat.coarse.push_back(Coarsen(half, flat.grid));
  }
  const cv::Rect box = square.Find().box, half = flat.Find().box;
  EXPECT_NEAR(box.x, half.x, 2);
  EXPECT_NEAR(box.width, half.width, 4);
  EXPECT_NEAR(box.y, 2 * half.y, 4);
  EXPECT_NEAR(box.height, 2 * half.height, 6);
}

// First and last slice with lung of real studies, as seen by eye.
struct RealStudy {
  const char* folder;
  int first, last;
};

class RealStudyTest : public testing::TestWithParam<RealStudy> {};

TEST_P(RealStudyTest, SlicesWithLungAreThoseSeenByEye) {
  const char* data = std::getenv("M3LUNG_TEST_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data == nullptr ? "" : data) / "studies" / GetParam().folder;
  if (data == nullptr || !std::filesystem::exists(folder)) {
    GTEST_SKIP() << "needs the folder that M3LUNG_TEST_DATA names, with its studies";
  }
  std::vector<HuSlice> slices;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    absl::StatusOr<HuSlice> slice = DecodeDicom(ReadFile(entry.path()).value(), {});
    ASSERT_TRUE(slice.ok()) << slice.status();
    slices.push_back(*std::move(slice));
  }
  std::sort(slices.begin(), slices.end(), [](const HuSlice& a, const HuSlice& b) {
    return a.geometry.PositionAlongNormal() > b.geometry.PositionAlongNormal();
  });
  Phantom read;
  read.slices = std::move(slices);
  const Study study = StudyOf(read);
  const LungVolume volume = study.Find();
  ASSERT_TRUE(volume.found) << volume.why_not;
  int first = -1, last = -1;
  for (int i = 0; i < static_cast<int>(volume.masks.size()); ++i) {
    if (volume.masks[i].empty()) continue;
    if (first < 0) first = i;
    last = i;
  }
  EXPECT_NEAR(first, GetParam().first, 2);
  EXPECT_NEAR(last, GetParam().last, 2);
  EXPECT_EQ(volume.slices_with_lung, last - first + 1);
  EXPECT_EQ(volume.unseen_side, kNoLung);
}

INSTANTIATE_TEST_SUITE_P(Studies, RealStudyTest,
                         testing::Values(RealStudy{"covid19-p001", 9, 147},
                                         RealStudy{"cap-001", 4, 155},
                                         RealStudy{"normal-001", 8, 142},
                                         RealStudy{"lungdx-a0002", 1, 29},
                                         RealStudy{"tiny-64x64", 3, 71}),
                         [](const auto& study) { return "Study" + std::to_string(study.index); });

}  // namespace
}  // namespace m3lung
