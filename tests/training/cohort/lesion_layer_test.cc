// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lesion_layer.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/lung_volume.h"

namespace m3lung {
namespace {

// One slice of 128 x 128 mm: a block of right lung at -850 HU in muscle, a vessel
// across it.
Canvas Block() {
  Canvas canvas;
  canvas.hu = {cv::Mat(128, 128, CV_32FC1, cv::Scalar(50))};
  canvas.sides = {cv::Mat(128, 128, CV_8UC1, cv::Scalar(kNoLung))};
  const cv::Rect lung(20, 20, 88, 88);
  canvas.hu[0](lung).setTo(-850);
  canvas.sides[0](lung).setTo(kRightLung);
  canvas.hu[0](cv::Rect(62, 20, 4, 88)).setTo(40);
  canvas.t = {0};
  return canvas;
}

Lesion Ball(double fill) {
  Lesion lesion;
  lesion.side = kRightLung;
  lesion.rx_mm = lesion.ry_mm = lesion.rt_mm = 20;
  lesion.ragged = 0;
  lesion.texture = 0;
  lesion.edge = 0.05;
  lesion.glass = fill;
  return lesion;
}

TEST(LayLesionsTest, GroundGlassRaisesLungAndLeavesVessels) {
  Canvas canvas = Block();
  LayLesions({Ball(0.4)}, {}, canvas);
  EXPECT_NEAR(canvas.hu[0].at<float>(64, 55), -850 + 0.4 * (38 + 850), 1);
  EXPECT_EQ(canvas.hu[0].at<float>(64, 64), 40);
  EXPECT_EQ(canvas.hu[0].at<float>(64, 30), -850);  // outside the ball
  EXPECT_EQ(canvas.hu[0].at<float>(5, 5), 50);
}

TEST(LayLesionsTest, ConsolidationHidesTheLung) {
  Canvas canvas = Block();
  const std::vector<cv::Mat> truth = LayLesions({Ball(1)}, {}, canvas);
  EXPECT_NEAR(canvas.hu[0].at<float>(64, 55), 38, 1);
  EXPECT_NEAR(cv::countNonZero(truth[0]), M_PI * 20 * 20, 60);
}

TEST(LayLesionsTest, TheDensestOfTwoCounts) {
  Canvas canvas = Block();
  LayLesions({Ball(0.3), Ball(0.6)}, {}, canvas);
  EXPECT_NEAR(canvas.hu[0].at<float>(64, 55), -850 + 0.6 * (38 + 850), 1);
}

TEST(LayLesionsTest, StaysOnItsSideOfTheChestAndOfItsFissure) {
  Canvas canvas = Block();
  canvas.sides[0](cv::Rect(20, 20, 44, 88)).setTo(kLeftLung);
  Lesion lesion = Ball(1);
  lesion.cuts = {{{0, 1, 0}, 0}};  // keeps what lies in front of the middle
  const std::vector<cv::Mat> truth = LayLesions({lesion}, {}, canvas);
  EXPECT_EQ(cv::countNonZero(truth[0].colRange(0, 64)), 0);
  EXPECT_EQ(cv::countNonZero(truth[0].rowRange(68, 128)), 0);  // fissures wave by 2.5 mm
  EXPECT_GT(cv::countNonZero(truth[0]), 150);
}

TEST(LayLesionsTest, HarmlessOrHardlyVisibleIsNotInTheTruth) {
  Canvas canvas = Block();
  Lesion harmless = Ball(0.8);
  harmless.harmless = true;
  EXPECT_EQ(cv::countNonZero(LayLesions({harmless}, {}, canvas)[0]), 0);
  EXPECT_GT(canvas.hu[0].at<float>(64, 55), -200);
  canvas = Block();
  EXPECT_EQ(cv::countNonZero(LayLesions({Ball(0.05)}, {}, canvas)[0]), 0);
}

TEST(LayLesionsTest, WhatWasSolidBeforeIsNotInTheTruth) {
  Canvas canvas = Block();
  canvas.hu[0](cv::Rect(44, 44, 20, 40)).setTo(45);  // a hilum within the mask
  const std::vector<cv::Mat> truth = LayLesions({Ball(1)}, {}, canvas);
  EXPECT_EQ(truth[0].at<uchar>(64, 54), 0);
  EXPECT_EQ(truth[0].at<uchar>(64, 76), 255);
  canvas = Block();  // but a vessel through the lesion is
  EXPECT_EQ(LayLesions({Ball(1)}, {}, canvas)[0].at<uchar>(64, 64), 255);
}

TEST(LayLesionsTest, ALesionIsAsNoisyAsItsSurroundings) {
  Canvas canvas = Block();
  LayLesions({Ball(1)}, {.noise_hu = 20, .blur_px = 0.65}, canvas);
  cv::Scalar mean, deviation;
  cv::meanStdDev(canvas.hu[0](cv::Rect(50, 52, 10, 24)), mean, deviation);
  EXPECT_NEAR(deviation[0], 20, 4);
}

TEST(LayLesionsTest, AThickSliceShowsTheMeanAlongIt) {
  Canvas canvas = Block();
  canvas.thickness_mm = 12;
  Lesion flat = Ball(1);
  flat.rt_mm = 3;  // half of the slice's thickness
  flat.edge = 0.01;
  LayLesions({flat}, {}, canvas);
  EXPECT_NEAR(canvas.hu[0].at<float>(64, 55), -850 + 0.5 * (38 + 850), 30);
}

TEST(LayLesionsTest, FillsTheHalfFilledBorderOfTheLung) {
  Canvas canvas = Block();
  // Partial volume at the pleura, as scanners give it, outside the mask.
  canvas.hu[0](cv::Rect(40, 19, 48, 1)).setTo(-200);
  Lesion at_pleura = Ball(1);
  at_pleura.centre.y = -40;
  LayLesions({at_pleura}, {}, canvas);
  EXPECT_NEAR(canvas.hu[0].at<float>(19, 58), 38, 5);
  EXPECT_EQ(canvas.hu[0].at<float>(10, 58), 50);
}

}  // namespace
}  // namespace m3lung
