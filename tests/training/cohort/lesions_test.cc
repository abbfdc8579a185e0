// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lesions.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "training/cohort/phantom.h"

namespace m3lung {
namespace {

constexpr int kSeeds = 8;

Phantom MakePlain(Label label, uint64_t seed, double severity = 0.5) {
  return MakePhantom({.label = label,
                      .seed = seed,
                      .severity = severity,
                      .slices = 32,
                      .size = 256,
                      .noise_hu = 10,
                      .confounders = false});
}

// How a study's lesions lie, measured on its masks and pixels alone.
struct Pattern {
  double share = 0;        // of the lung
  double on_right = 0;     // of the lesions
  double depth_mm = 0;     // mean distance to the pleura, in the slice
  double low = 0;          // of the lesions, in the lower half of the lungs
  double from_middle = 0;  // mean distance to the middle of the chest across, mm
  int specks = 0;          // components of a slice under 0.8 cm2
  double slope = 0;        // mean change at the outline towards the lung, HU a mm
};

Pattern Measure(const Phantom& phantom) {
  const double mm = phantom.slices.front().geometry.row_spacing_mm;
  Pattern pattern;
  double lung = 0, lesion = 0, outline = 0;
  std::vector<double> lung_by_slice;
  for (const cv::Mat& mask : phantom.lung_masks) lung_by_slice.push_back(cv::countNonZero(mask));
  for (double n : lung_by_slice) lung += n;
  double above = 0;
  for (size_t i = 0; i < phantom.slices.size(); ++i) {
    const cv::Mat& mask = phantom.lesion_masks[i];
    above += lung_by_slice[i];
    const int pixels = cv::countNonZero(mask);
    if (pixels == 0) continue;
    lesion += pixels;
    pattern.on_right += cv::countNonZero(mask.colRange(0, 128));
    if (above > lung / 2) pattern.low += pixels;
    cv::Mat depth, labels, stats, centroids, smooth, dx, dy, slope;
    cv::distanceTransform(phantom.lung_masks[i], depth, cv::DIST_L2, 5);
    pattern.depth_mm += mm * cv::mean(depth, mask)[0] * pixels;
    const int components = cv::connectedComponentsWithStats(mask, labels, stats, centroids);
    for (int k = 1; k < components; ++k) {
      const int area = stats.at<int>(k, cv::CC_STAT_AREA);
      if (area * mm * mm < 80) ++pattern.specks;
      pattern.from_middle += area * mm * std::abs(centroids.at<double>(k, 0) - 127.5);
    }
    phantom.slices[i].hu.convertTo(smooth, CV_32F);
    cv::GaussianBlur(smooth, smooth, {0, 0}, 1);
    cv::Sobel(smooth, dx, CV_32F, 1, 0, 3, 1 / (8 * mm));
    cv::Sobel(smooth, dy, CV_32F, 0, 1, 3, 1 / (8 * mm));
    cv::magnitude(dx, dy, slope);
    cv::Mat inner;
    cv::erode(mask, inner, cv::Mat::ones(3, 3, CV_8U));
    const cv::Mat edge = mask & ~inner & (depth > 4);  // not where it meets the pleura
    const int on_edge = cv::countNonZero(edge);
    if (on_edge == 0) continue;
    outline += on_edge;
    pattern.slope += on_edge * cv::mean(slope, edge)[0];
  }
  pattern.share = lesion / lung;
  for (double* sum : {&pattern.on_right, &pattern.depth_mm, &pattern.low, &pattern.from_middle}) {
    *sum /= std::max(lesion, 1.0);
  }
  pattern.slope /= std::max(outline, 1.0);
  return pattern;
}

std::vector<Pattern> MeasureAll(Label label) {
  std::vector<Pattern> patterns;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed)
    patterns.push_back(Measure(MakePlain(label, seed)));
  return patterns;
}

double Mean(const std::vector<Pattern>& patterns, double Pattern::*field) {
  double sum = 0;
  for (const Pattern& pattern : patterns) sum += pattern.*field;
  return sum / static_cast<double>(patterns.size());
}

double MeanSpecks(const std::vector<Pattern>& patterns) {
  double sum = 0;
  for (const Pattern& pattern : patterns) sum += pattern.specks;
  return sum / static_cast<double>(patterns.size());
}

class LesionsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    covid19_ = new std::vector<Pattern>(MeasureAll(Label::kCovid19));
    h1n1_ = new std::vector<Pattern>(MeasureAll(Label::kH1n1));
    cap_ = new std::vector<Pattern>(MeasureAll(Label::kCap));
  }
  static void TearDownTestSuite() {
    delete covid19_;
    delete h1n1_;
    delete cap_;
  }

  static const std::vector<Pattern>* covid19_;
  static const std::vector<Pattern>* h1n1_;
  static const std::vector<Pattern>* cap_;
};
const std::vector<Pattern>* LesionsTest::covid19_ = nullptr;
const std::vector<Pattern>* LesionsTest::h1n1_ = nullptr;
const std::vector<Pattern>* LesionsTest::cap_ = nullptr;

TEST_F(LesionsTest, Covid19IsBilateralPeripheralAndLow) {
  for (const Pattern& p : *covid19_) {
    EXPECT_GT(p.on_right, 0.05);
    EXPECT_LT(p.on_right, 0.95);
  }
  EXPECT_LT(Mean(*covid19_, &Pattern::depth_mm), 0.7 * Mean(*h1n1_, &Pattern::depth_mm));
  EXPECT_GT(Mean(*covid19_, &Pattern::low), 0.6);
}

TEST_F(LesionsTest, H1n1IsCentralWithManyNodules) {
  for (const Pattern& p : *h1n1_) {
    EXPECT_GT(p.on_right, 0.05);
    EXPECT_LT(p.on_right, 0.95);
  }
  EXPECT_LT(Mean(*h1n1_, &Pattern::from_middle), 0.9 * Mean(*covid19_, &Pattern::from_middle));
  EXPECT_GT(MeanSpecks(*h1n1_), 1.5 * MeanSpecks(*cap_));
}

TEST_F(LesionsTest, CapIsMostlyOneSidedAndSharp) {
  int one_sided = 0;
  for (const Pattern& p : *cap_) one_sided += std::abs(p.on_right - 0.5) > 0.4;
  EXPECT_GE(one_sided, kSeeds / 2 + 1);
  EXPECT_GT(Mean(*cap_, &Pattern::slope), 1.15 * Mean(*covid19_, &Pattern::slope));
}

TEST_F(LesionsTest, SeverityGoesFromAPatchToMostOfTheLung) {
  for (const Label label : {Label::kCovid19, Label::kH1n1, Label::kCap}) {
    double mild = 0, grave = 0;
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      mild += Measure(MakePlain(label, seed, 0)).share / 4;
      grave = std::max(grave, Measure(MakePlain(label, seed, 1)).share);
    }
    EXPECT_GT(mild, 0) << LabelName(label);
    EXPECT_LT(mild, 0.02) << LabelName(label);
    EXPECT_GT(grave, 0.12) << LabelName(label);
  }
}

TEST(MakeLesionsTest, NoneWhereThereIsNoLung) {
  Canvas canvas;
  canvas.hu = {cv::Mat(64, 64, CV_32FC1, cv::Scalar(40))};
  canvas.sides = {cv::Mat(64, 64, CV_8UC1, cv::Scalar(0))};
  canvas.t = {0};
  canvas.pixel_mm = 5;
  const LungField field(canvas);
  Random random(1);
  for (const Label label : kLabels) EXPECT_TRUE(MakeLesions(label, 1, field, random).empty());
}

}  // namespace
}  // namespace m3lung
