// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/augmentation.h"

#include <algorithm>
#include <cmath>

#include "opencv2/imgproc.hpp"
#include "training/trainers/bowel.h"
#include "training/trainers/smooth_field.h"

namespace m3lung {
namespace {

constexpr float kUsualLungHu = -840;

// Where each pixel of the result comes from: turned, scaled and shifted, then bent.
void DrawMoves(cv::Size size, const AugmentationOptions& options, Random& random, cv::Mat1f& from_x,
               cv::Mat1f& from_y) {
  const double degrees = random.Uniform(-options.turn_degrees, options.turn_degrees);
  const double scale = random.Uniform(options.scale_low, options.scale_high);
  const double dx = random.Uniform(-options.shift, options.shift) * size.width;
  const double dy = random.Uniform(-options.shift, options.shift) * size.height;
  const cv::Point2f middle((static_cast<float>(size.width) - 1) / 2,
                           (static_cast<float>(size.height) - 1) / 2);
  cv::Mat1d way = cv::getRotationMatrix2D(middle, degrees, scale), back;
  way(0, 2) += dx;
  way(1, 2) += dy;
  cv::invertAffineTransform(way, back);
  const double bend = random.Uniform(0, options.bend) * size.width;
  from_x = SmoothField(size, 4, bend, random);
  from_y = SmoothField(size, 4, bend, random);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      from_x(y, x) += static_cast<float>(back(0, 0) * x + back(0, 1) * y + back(0, 2));
      from_y(y, x) += static_cast<float>(back(1, 0) * x + back(1, 1) * y + back(1, 2));
    }
  }
}

// `hu` is `part` of a slice of this size.
void ChangeLungs(const AugmentationOptions& options, cv::Size slice, const cv::Rect& part,
                 Random& random, cv::Mat& hu) {
  const double shift = random.Uniform(-options.lung_shift_hu, options.lung_shift_hu);
  const double slope = random.Uniform(-options.lung_slope_hu, options.lung_slope_hu);
  const double mottle = random.Uniform(0, options.lung_mottle_hu);
  const double spread = random.Uniform(-options.lung_spread, options.lung_spread);
  const cv::Mat1f field = SmoothField(slice, 3 + random.Index(7), mottle, random)(part);
  for (int y = 0; y < hu.rows; ++y) {
    auto* row = hu.ptr<int16_t>(y);
    const double at_row = shift + slope * ((part.y + y + 0.5) / slice.height - 0.5);
    for (int x = 0; x < hu.cols; ++x) {
      // From air around -1000 HU, which stays, over lung to tissue, which stays.
      const float value = row[x];
      const float aerated = std::clamp((value + 1020) / 80, 0.0F, 1.0F) *
                            std::clamp((-value - 300) / 500, 0.0F, 1.0F);
      if (aerated == 0) continue;
      const double change = at_row + field(y, x) + spread * (value - kUsualLungHu);
      row[x] = cv::saturate_cast<int16_t>(value + aerated * change);
    }
  }
}

}  // namespace

AugmentationOptions StrongAugmentation() {
  AugmentationOptions options;
  options.turn_degrees = 8;
  options.scale_low = 0.85;
  options.scale_high = 1.1;
  options.shift = 0.04;
  options.noise_hu = 40;
  options.blur_pixels = 0.9;
  options.density_shift_hu = 15;
  options.bend = 0.02;
  options.bowel_share = 0.4;
  options.lung_shift_hu = 50;
  options.lung_slope_hu = 60;
  options.lung_mottle_hu = 35;
  options.lung_spread = 0.3;
  return options;
}

cv::Mat Augment(const cv::Mat& hu, const AugmentationOptions& options, Random& random,
                cv::Mat* mask) {
  return AugmentPart(
      hu, options,
      [](cv::Size slice, const cv::Mat&) {
        return cv::Rect({0, 0}, slice);
      },
      random, mask);
}

cv::Mat AugmentPart(const cv::Mat& hu, const AugmentationOptions& options, PartChoice choose,
                    Random& random, cv::Mat* mask) {
  const cv::Size slice = hu.size();
  const bool flips = options.flip && random.Uniform(0, 1) < 0.5;
  const bool moves = options.turn_degrees > 0 || options.scale_low != 1 ||
                     options.scale_high != 1 || options.shift > 0 || options.bend > 0;
  cv::Mat1f from_x, from_y;
  if (moves) {
    DrawMoves(slice, options, random, from_x, from_y);
    if (flips) {
      cv::flip(from_x, from_x, /*flipCode=*/1);
      cv::flip(from_y, from_y, /*flipCode=*/1);
    }
  }
  cv::Mat moved_mask;  // the given one may lie in a file that must not be written to
  if (mask != nullptr && moves) {
    cv::remap(*mask, moved_mask, from_x, from_y, cv::INTER_NEAREST, cv::BORDER_CONSTANT);
  } else if (mask != nullptr && flips) {
    cv::flip(*mask, moved_mask, /*flipCode=*/1);
  } else if (mask != nullptr) {
    moved_mask = *mask;
  }
  const cv::Rect part = choose(slice, moved_mask);
  cv::Mat result;
  if (moves) {
    cv::remap(hu, result, from_x(part), from_y(part), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  } else if (flips) {
    cv::flip(hu({slice.width - part.x - part.width, part.y, part.width, part.height}), result,
             /*flipCode=*/1);
  } else {
    result = hu(part).clone();
  }
  if (mask != nullptr) *mask = moved_mask(part);

  // As often in a part as it is wide: few parts of a slice with bowel show it.
  const double bowel_share = options.bowel_share * part.width / slice.width;
  if (bowel_share > 0 && random.Uniform(0, 1) < bowel_share) {
    PutBowel(mask, slice.width, random, result);
  }
  if (options.lung_shift_hu > 0 || options.lung_slope_hu > 0 || options.lung_mottle_hu > 0 ||
      options.lung_spread > 0) {
    ChangeLungs(options, slice, part, random, result);
  }
  if (options.blur_pixels > 0 && random.Uniform(0, 1) < 0.5) {
    cv::GaussianBlur(result, result, {5, 5}, random.Uniform(0.2, options.blur_pixels));
  }
  const double noise = random.Uniform(0, options.noise_hu);
  const double density = random.Uniform(-options.density_shift_hu, options.density_shift_hu);
  if (noise > 0 || density != 0) {
    for (int y = 0; y < result.rows; ++y) {
      auto* row = result.ptr<int16_t>(y);
      for (int x = 0; x < result.cols; ++x) {
        row[x] = cv::saturate_cast<int16_t>(row[x] + density + noise * random.Noise());
      }
    }
  }
  return result;
}

}  // namespace m3lung
