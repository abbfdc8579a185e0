// SPDX-License-Identifier: Apache-2.0
#include "training/trainers/bowel.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "training/trainers/smooth_field.h"

namespace m3lung {
namespace {

constexpr float kGasHu = -950, kFoodHu = 40;

// What a stretch of bowel holds: gas wherever a random field is above `threshold` deviations.
struct Contents {
  double chance;
  double least_radius, most_radius;  // shares of the slice's side
  double least_threshold, most_threshold;
  double softness;   // deviations from no gas to nothing but gas
  bool fluid_level;  // gas above, the rest below
};

constexpr double kAlways = -100;
constexpr std::array<Contents, 4> kContents = {{
    {0.3, 0.02, 0.09, kAlways, kAlways, 1, false},  // gas
    {0.25, 0.03, 0.10, -0.5, 0.5, 0.8, false},      // stool
    {0.25, 0.06, 0.20, 0.5, 1.8, 2, false},         // food
    {0.2, 0.04, 0.18, 0.5, 3.5, 2, true},           // food or fluid under gas
}};

const Contents& DrawContents(Random& random) {
  double left = random.Uniform(0, 1);
  for (const Contents& contents : kContents) {
    if (left < contents.chance) return contents;
    left -= contents.chance;
  }
  return kContents.back();
}

}  // namespace

void PutBowel(const cv::Mat* mask, int slice_side, Random& random, cv::Mat& hu) {
  const auto is_tissue = [&](double x, double y) {
    const cv::Point at(static_cast<int>(x), static_cast<int>(y));
    return at.x >= 0 && at.y >= 0 && at.x < hu.cols && at.y < hu.rows &&
           hu.at<int16_t>(at) > -150 && (mask == nullptr || mask->at<uchar>(at) == 0);
  };
  const int stretches = 1 + random.Index(3);
  for (int i = 0; i < stretches; ++i) {
    const Contents& contents = DrawContents(random);
    const double wide = random.Uniform(contents.least_radius, contents.most_radius) * slice_side;
    const double high = wide * random.Uniform(0.5, 1.5);
    // Few places have room for a large one.
    constexpr int kTries = 8;
    double mid_x = 0, mid_y = 0;
    bool has_room = false;
    for (int t = 0; t < kTries && !has_room; ++t) {
      mid_x = random.Uniform(0, hu.cols);
      mid_y = random.Uniform(0, hu.rows);
      has_room = is_tissue(mid_x, mid_y) && is_tissue(mid_x - wide, mid_y) &&
                 is_tissue(mid_x + wide, mid_y) && is_tissue(mid_x, mid_y - high) &&
                 is_tissue(mid_x, mid_y + high);
    }
    if (!has_room) continue;
    const double threshold = random.Uniform(contents.least_threshold, contents.most_threshold);
    const double level = contents.fluid_level ? mid_y + high * random.Uniform(-0.7, 0.5) : -1;
    const cv::Mat1f rough = SmoothField(hu.size(), 24, 0.3, random);
    const cv::Mat1f grain = SmoothField(hu.size(), 60 + random.Index(100), 1, random);
    for (int y = 0; y < hu.rows; ++y) {
      for (int x = 0; x < hu.cols; ++x) {
        if (!is_tissue(x, y)) continue;
        const double distance = std::hypot((x - mid_x) / wide, (y - mid_y) / high) + rough(y, x);
        const double inside = std::clamp((1 - distance) / 0.25, 0.0, 1.0);
        const double gas =
            y < level ? 1 : std::clamp((grain(y, x) - threshold) / contents.softness, 0.0, 1.0);
        auto& value = hu.at<int16_t>(y, x);
        const double held = gas * kGasHu + (1 - gas) * kFoodHu;
        value = cv::saturate_cast<int16_t>(value + inside * (held - value));
      }
    }
  }
}

}  // namespace m3lung
