// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/slice_batches.h"

#include <algorithm>
#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "tests/testing/status_matchers.h"
#include "tests/training/trainers/tiny_training.h"
#include "torch/torch.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TinyData;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CollectSliceSamplesTest, DropsTheLesionFreeSlicesOfDiseasedStudies) {
  M3L_ASSERT_OK_AND_ASSIGN(const SliceSamples collected, CollectSliceSamples(TinyData(1).studies));
  // In each of three splits: six healthy slices, and three of each disease.
  EXPECT_EQ(collected.samples.size(), 3u * (6 + 3 * 3));
  EXPECT_EQ(collected.dropped, 3 * 3 * 3);
  EXPECT_TRUE(collected.unlabelled.empty());
  for (const SliceSample& sample : collected.samples) {
    EXPECT_EQ(sample.lesion, sample.label != Label::kHealthy);
    EXPECT_EQ(sample.lesion, (sample.hu > -300).any().item<bool>());
  }
}

TEST(CollectSliceSamplesTest, DiseasedStudiesWithoutSliceLabelsAreNamedOrRefused) {
  PreparedData data = TinyData(2);
  const auto forget = [](PreparedStudy& study) {
    for (PreparedSlice& slice : study.slices) slice.lesion.reset();
  };
  forget(data.studies[2]);  // of COVID-19
  M3L_ASSERT_OK_AND_ASSIGN(const SliceSamples collected, CollectSliceSamples(data.studies));
  EXPECT_THAT(collected.unlabelled, ElementsAre(data.studies[2].name));
  EXPECT_THAT(DescribeUnlabelled(collected, Split::kTrain),
              AllOf(HasSubstr("left out 1 diseased studies of split train"),
                    HasSubstr(data.studies[2].name)));
  for (PreparedStudy& study : data.studies) {
    if (study.label == Label::kCap) forget(study);
  }
  EXPECT_THAT(
      CollectSliceSamples(data.studies),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("none of the 6 studies of CAP")));
}

TEST(EpochOrderTest, TakesEverySampleEquallyOften) {
  const BatchOptions options = {.size = 4, .images_per_epoch = 10};
  EXPECT_EQ(BatchesPerEpoch(13, options), 2);
  std::map<int64_t, int> taken;
  for (int64_t epoch = 0; epoch < 13; ++epoch) {
    const std::vector<int64_t> order = EpochOrder(std::vector<Label>(13), options, epoch);
    ASSERT_EQ(order.size(), 8u);
    for (const int64_t sample : order) ++taken[sample];
  }
  ASSERT_EQ(taken.size(), 13u);
  for (const auto& [sample, times] : taken) EXPECT_EQ(times, 8) << sample;
}

TEST(EpochOrderTest, IsShuffledAnewAndFollowsTheSeed) {
  const BatchOptions options = {.size = 10};
  const std::vector<int64_t> first = EpochOrder(std::vector<Label>(100), options, 0);
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 100u);
  EXPECT_NE(EpochOrder(std::vector<Label>(100), options, 1), first);
  EXPECT_EQ(EpochOrder(std::vector<Label>(100), options, 0), first);
  EXPECT_NE(EpochOrder(std::vector<Label>(100), {.size = 10, .seed = 2}, 0), first);
}

TEST(EpochOrderTest, BalancedClassesTakeTurnsAndTheirSamplesAreTakenEquallyOften) {
  // 7 healthy, 2 of COVID-19, 3 of CAP: epochs of 8 are no multiple of three classes.
  std::vector<Label> labels(7, Label::kHealthy);
  labels.insert(labels.end(), {Label::kCap, Label::kCap, Label::kCap});
  labels.insert(labels.end(), {Label::kCovid19, Label::kCovid19});
  const BatchOptions options = {.size = 4, .images_per_epoch = 8, .balanced = true};
  std::map<int64_t, int> taken;
  std::vector<Label> row;
  for (int64_t epoch = 0; epoch < 21; ++epoch) {
    for (const int64_t sample : EpochOrder(labels, options, epoch)) {
      ++taken[sample];
      row.push_back(labels[sample]);
    }
  }
  ASSERT_EQ(row.size(), 21u * 8);
  for (size_t i = 0; i < row.size(); i += 3) {
    EXPECT_THAT(std::vector<Label>(row.begin() + static_cast<int64_t>(i),
                                   row.begin() + static_cast<int64_t>(i) + 3),
                ElementsAre(Label::kHealthy, Label::kCovid19, Label::kCap));
  }
  for (const auto& [sample, times] : taken) {  // 56 of each class
    const double wanted = labels[sample] == Label::kHealthy   ? 56 / 7.0
                          : labels[sample] == Label::kCovid19 ? 56 / 2.0
                                                              : 56 / 3.0;
    EXPECT_LT(std::abs(times - wanted), 1) << sample;
  }
}

TEST(BatchPrefetcherTest, GivesWhatMakeBatchGivesFromAnyPlaceOn) {
  M3L_ASSERT_OK_AND_ASSIGN(const SliceSamples collected, CollectSliceSamples(TinyData(1).studies));
  BatchOptions options = {.size = 16, .augmentation = StrongAugmentation()};
  const auto total = static_cast<int64_t>(collected.samples.size());
  ASSERT_EQ(BatchesPerEpoch(total, options), 2);
  BatchPrefetcher prefetcher(collected.samples, options, /*epochs=*/3, /*first_epoch=*/1,
                             /*first_batch=*/1);
  for (const auto& [epoch, batch] : {std::pair(1, 1), {2, 0}, {2, 1}}) {
    const SliceBatch expected =
        MakeBatch(collected.samples, EpochOrder(LabelsOf(collected.samples), options, epoch),
                  options, epoch, batch);
    const std::optional<SliceBatch> given = prefetcher.Next();
    ASSERT_TRUE(given.has_value());
    EXPECT_TRUE(torch::equal(given->hu, expected.hu));
    EXPECT_TRUE(torch::equal(given->centres_hu, expected.centres_hu));
    EXPECT_TRUE(torch::equal(given->labels, expected.labels));
    EXPECT_TRUE(torch::equal(given->lesions, expected.lesions));
  }
  EXPECT_FALSE(prefetcher.Next().has_value());
}

TEST(MakeBatchTest, DrawsWindowCentresFromThePapersRange) {
  M3L_ASSERT_OK_AND_ASSIGN(const SliceSamples collected, CollectSliceSamples(TinyData(2).studies));
  const BatchOptions options = {.size = 64};
  const SliceBatch batch = MakeBatch(
      collected.samples, EpochOrder(LabelsOf(collected.samples), options, 0), options, 0, 0);
  EXPECT_GE(batch.centres_hu.min().item<float>(), -700);
  EXPECT_LE(batch.centres_hu.max().item<float>(), -500);
  EXPECT_GT(batch.centres_hu.std().item<float>(), 30);
}

TEST(MakeBatchTest, SaysWhatShareOfEachCellLesionsCover) {
  PreparedData data = TinyData(1);
  for (PreparedStudy& study : data.studies) {
    if (study.label == Label::kCap) study.lesion_masks = torch::Tensor();
  }
  M3L_ASSERT_OK_AND_ASSIGN(const SliceSamples collected, CollectSliceSamples(data.studies));
  BatchOptions options = {.size = static_cast<int>(collected.samples.size()), .covers = true};
  options.augmentation.flip = false;
  const std::vector<int64_t> order = EpochOrder(LabelsOf(collected.samples), options, 0);
  const SliceBatch batch = MakeBatch(collected.samples, order, options, 0, 0);
  for (int64_t k = 0; k < options.size; ++k) {
    const SliceSample& sample = collected.samples[order[k]];
    const torch::Tensor cells = batch.covers[k];
    if (sample.label == Label::kCap) {
      EXPECT_TRUE((cells == -1).all().item<bool>());
      continue;
    }
    // Where a square is, the tissue is dense.
    const torch::Tensor dense = (sample.hu > -300).to(torch::kFloat32).unsqueeze(0);
    EXPECT_TRUE(torch::allclose(cells, torch::avg_pool2d(dense, kMaskCell)[0]))
        << LabelName(sample.label);
  }
  options.covers = false;
  EXPECT_FALSE(MakeBatch(collected.samples, order, options, 0, 0).covers.defined());
}

TEST(MakeBatchTest, CutsPartsAboutLesionsAndAnywhereElse) {
  constexpr int64_t kWholeSide = 128;
  SliceSample healthy, ill;
  // Each pixel tells its place.
  healthy.hu =
      torch::arange(kWholeSide * kWholeSide).to(torch::kInt16).view({kWholeSide, kWholeSide});
  ill.hu = healthy.hu;
  ill.label = Label::kCovid19;
  ill.lesion = true;
  ill.lesion_mask = torch::zeros({kWholeSide, kWholeSide}, torch::kUInt8);
  ill.lesion_mask.slice(0, 100, 110).slice(1, 40, 50).fill_(1);
  const std::vector<SliceSample> samples = {healthy, ill};
  BatchOptions options = {.size = 2, .covers = true, .part = 32};
  options.augmentation.flip = false;
  std::set<std::pair<int64_t, int64_t>> healthy_places, ill_places;
  for (int64_t epoch = 0; epoch < 60; ++epoch) {
    const SliceBatch batch = MakeBatch(samples, std::vector<int64_t>{0, 1}, options, epoch, 0);
    ASSERT_EQ(batch.hu.sizes(), (std::vector<int64_t>{2, 32, 32}));
    for (int64_t k = 0; k < 2; ++k) {
      const int64_t row = batch.places[k][0].item<int64_t>() * kMaskCell;
      const int64_t column = batch.places[k][1].item<int64_t>() * kMaskCell;
      EXPECT_TRUE(torch::equal(batch.hu[k],
                               healthy.hu.slice(0, row, row + 32).slice(1, column, column + 32)));
      (k == 0 ? healthy_places : ill_places).insert({row, column});
    }
    EXPECT_EQ(batch.covers[0].sum().item<float>(), 0);
    EXPECT_GT(batch.covers[1].sum().item<float>(), 0);
  }
  EXPECT_GT(healthy_places.size(), 25u);  // of 7 x 7
  EXPECT_LT(ill_places.size(), 10u);
}

TEST(AugmentTest, TheMaskMovesWithTheSlice) {
  cv::Mat hu(64, 64, CV_16SC1, cv::Scalar(-850)), mask(64, 64, CV_8UC1, cv::Scalar(0));
  const cv::Rect square(10, 20, 16, 12);
  hu(square) = 50;
  mask(square) = 1;
  const cv::Mat untouched = mask.clone();
  AugmentationOptions options = StrongAugmentation();
  options.noise_hu = options.blur_pixels = options.bowel_share = 0;
  Random random(3);
  for (int i = 0; i < 20; ++i) {
    cv::Mat moved = mask;
    const cv::Mat dense = Augment(hu, options, random, &moved) > -400;
    cv::Mat differ;
    cv::bitwise_xor(dense, moved * 255, differ);
    EXPECT_LT(cv::countNonZero(differ), 0.1 * cv::countNonZero(dense));  // at the edge
  }
  EXPECT_EQ(cv::norm(mask, untouched, cv::NORM_INF), 0);
}

TEST(AugmentTest, APartIsThatPartOfTheWhole) {
  cv::Mat hu(96, 96, CV_16SC1), mask(96, 96, CV_8UC1, cv::Scalar(0));
  cv::randu(hu, -1000, 500);
  cv::GaussianBlur(hu, hu, {9, 9}, 2);
  mask(cv::Rect(10, 60, 20, 15)) = 1;
  AugmentationOptions moving = StrongAugmentation(), papers;
  moving.noise_hu = moving.blur_pixels = moving.bowel_share = 0;
  const cv::Rect part(16, 48, 32, 40);
  for (const AugmentationOptions& options : {moving, papers}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      Random one(seed), other(seed);
      cv::Mat whole_mask = mask, part_mask = mask, seen;
      const cv::Mat whole = Augment(hu, options, one, &whole_mask);
      const cv::Mat cut = AugmentPart(
          hu, options,
          [&](cv::Size slice, const cv::Mat& moved) {
            EXPECT_EQ(slice, hu.size());
            seen = moved.clone();
            return part;
          },
          other, &part_mask);
      ASSERT_EQ(cut.size(), part.size());
      EXPECT_EQ(cv::norm(cut, whole(part), cv::NORM_INF), 0) << seed;
      EXPECT_EQ(cv::norm(part_mask, whole_mask(part), cv::NORM_INF), 0) << seed;
      EXPECT_EQ(cv::norm(seen, whole_mask, cv::NORM_INF), 0) << seed;
    }
  }
}

TEST(AugmentTest, ThePapersLeavesPixelsAsTheyAreOrFlipsThem) {
  cv::Mat hu(16, 16, CV_16SC1), flipped;
  cv::randu(hu, -1000, 500);
  cv::flip(hu, flipped, 1);
  Random random(1);
  int flips = 0;
  for (int i = 0; i < 100; ++i) {
    const cv::Mat result = Augment(hu, {}, random);
    const bool is_flipped = cv::norm(result, flipped, cv::NORM_INF) == 0;
    EXPECT_TRUE(is_flipped || cv::norm(result, hu, cv::NORM_INF) == 0);
    flips += is_flipped ? 1 : 0;
  }
  EXPECT_GT(flips, 30);
  EXPECT_LT(flips, 70);
}

TEST(AugmentTest, TheStrongOneKeepsTheDensityOfTissueAndAddsNoise) {
  const cv::Mat hu(64, 64, CV_16SC1, cv::Scalar(40));
  AugmentationOptions options = StrongAugmentation();
  options.bowel_share = 0;
  Random random(2);
  double widest = 0;
  for (int i = 0; i < 40; ++i) {
    const cv::Mat result = Augment(hu, options, random);
    ASSERT_EQ(result.size(), hu.size());
    cv::Scalar mean, deviation;
    cv::meanStdDev(result, mean, deviation);
    EXPECT_NEAR(mean[0], 40, 20);
    EXPECT_LT(deviation[0], 42);
    widest = std::max(widest, deviation[0]);
  }
  EXPECT_GT(widest, 20);
}

TEST(AugmentTest, GasFillsTissueAndNeitherLungNorLesion) {
  cv::Mat hu(64, 64, CV_16SC1, cv::Scalar(40)), mask(64, 64, CV_8UC1, cv::Scalar(0));
  const cv::Rect lung(0, 0, 64, 16), lesion(0, 48, 64, 16);
  hu(lung) = -840;
  mask(lesion) = 1;
  Random random(5);
  int filled = 0;
  for (int i = 0; i < 100; ++i) {
    cv::Mat moved = mask;
    const cv::Mat result = Augment(hu, {.flip = false, .bowel_share = 0.5}, random, &moved);
    EXPECT_EQ(cv::norm(result(lung), hu(lung), cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(result(lesion), hu(lesion), cv::NORM_INF), 0);
    filled += cv::countNonZero(result.rowRange(16, 48) < -900) > 0 ? 1 : 0;
  }
  EXPECT_GT(filled, 10);
  EXPECT_LT(filled, 60);
}

TEST(AugmentTest, TheStrongOneChangesLungSmoothlyAndLeavesAirAndTissue) {
  constexpr int kThird = 24;
  cv::Mat hu(64, 3 * kThird, CV_16SC1, cv::Scalar(-840));
  const cv::Rect air(0, 0, kThird, 64), lung(kThird, 0, kThird, 64),
      tissue(2 * kThird, 0, kThird, 64);
  hu(air) = -1020;
  hu(tissue) = -300;
  AugmentationOptions options = StrongAugmentation();
  options.flip = false;
  options.turn_degrees = options.shift = options.bend = 0;
  options.scale_low = options.scale_high = 1;
  options.noise_hu = options.blur_pixels = options.density_shift_hu = options.bowel_share = 0;
  Random random(4);
  double least = 0, most = -1000;
  for (int i = 0; i < 100; ++i) {
    const cv::Mat result = Augment(hu, options, random);
    EXPECT_EQ(cv::norm(result(air), hu(air), cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(result(tissue), hu(tissue), cv::NORM_INF), 0);
    const cv::Mat1s changed = result(lung);
    for (int y = 1; y < changed.rows; ++y) {
      // Of a field drawn at 9 points along the side, 64 / 9 pixels apart.
      EXPECT_LT(std::abs(changed(y, 5) - changed(y - 1, 5)), 40) << y;
    }
    least = std::min(least, cv::mean(changed)[0]);
    most = std::max(most, cv::mean(changed)[0]);
  }
  EXPECT_LT(least, -870);
  EXPECT_GT(most, -810);
}

TEST(AugmentTest, EachChangeOfLungDoesWhatItsNameSays) {
  // Left half denser than usual lung, right half as usual.
  cv::Mat hu(64, 64, CV_16SC1, cv::Scalar(-840));
  hu.colRange(0, 32) = -820;
  Random random(6);
  double shifted = 0, sloped = 0, mottled = 0, spread = 0;
  const auto mean = [](const cv::Mat& part) { return cv::mean(part)[0]; };
  for (int i = 0; i < 40; ++i) {
    cv::Scalar unused, deviation;
    const cv::Mat by_shift = Augment(hu, {.flip = false, .lung_shift_hu = 50}, random);
    cv::meanStdDev(by_shift.colRange(32, 64), unused, deviation);
    EXPECT_LT(deviation[0], 0.5);
    shifted = std::max(shifted, std::abs(mean(by_shift.colRange(32, 64)) + 840));

    const cv::Mat by_slope = Augment(hu, {.flip = false, .lung_slope_hu = 60}, random);
    const double top = mean(by_slope.row(0)), middle = mean(by_slope.rowRange(31, 33)),
                 bottom = mean(by_slope.row(63));
    EXPECT_NEAR(top + bottom, 2 * middle, 2);
    sloped = std::max(sloped, std::abs(bottom - top));

    const cv::Mat by_mottle = Augment(hu, {.flip = false, .lung_mottle_hu = 35}, random);
    cv::meanStdDev(by_mottle.colRange(32, 64), unused, deviation);
    mottled = std::max(mottled, deviation[0]);

    const cv::Mat by_spread = Augment(hu, {.flip = false, .lung_spread = 0.3}, random);
    EXPECT_EQ(mean(by_spread.colRange(32, 64)), -840);
    spread = std::max(spread, std::abs(mean(by_spread.colRange(0, 32)) + 820));
  }
  EXPECT_GT(shifted, 30);
  EXPECT_GT(sloped, 30);
  EXPECT_GT(mottled, 10);
  EXPECT_GT(spread, 3);
}

TEST(AugmentTest, AWarpMovesPlacesSmoothlyAndByDifferentWays) {
  cv::Mat1s hu(64, 64);  // each pixel says its column
  for (int x = 0; x < hu.cols; ++x) hu.col(x) = static_cast<int16_t>(10 * x);
  Random random(7);
  double least = 0, most = 0;
  for (int i = 0; i < 40; ++i) {
    const cv::Mat1s bent = Augment(hu, {.flip = false, .bend = 0.02}, random);
    for (int y = 8; y < 56; ++y) {
      const double moved = bent(y, 32) / 10.0 - 32;  // pixels
      EXPECT_LT(std::abs(bent(y, 32) - bent(y - 1, 32)) / 10.0, 0.6);
      least = std::min(least, moved);
      most = std::max(most, moved);
    }
  }
  EXPECT_LT(least, -0.5);
  EXPECT_GT(most, 0.5);
  EXPECT_LT(most - least, 10);
}

// On the worker's thread an exception would end the process.
TEST(BatchPrefetcherTest, TellsOfABatchThatCannotBeMade) {
  std::vector<SliceSample> samples(4);
  for (SliceSample& sample : samples) sample.hu = torch::zeros({32, 32}, torch::kInt16);
  samples[0].hu = torch::zeros({32, 32}, torch::kFloat64);
  BatchPrefetcher prefetcher(samples, {.size = 4}, 1, 0, 0);
  EXPECT_THROW(prefetcher.Next(), c10::Error);
}

}  // namespace
}  // namespace m3lung
