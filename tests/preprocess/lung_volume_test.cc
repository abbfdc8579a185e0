#include "preprocess/lungs/lung_volume.h"

#include <cmath>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
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

}  // namespace
}  // namespace m3lung
