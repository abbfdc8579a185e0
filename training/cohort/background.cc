// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/background.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/scanner.h"

namespace m3lung {
namespace {

constexpr double kGrainPx = 0.65;  // of usual scanners' noise

// The slices of a background that a slab takes part in, with their shares.
std::vector<std::pair<size_t, double>> Shares(const std::vector<double>& t, double middle,
                                              double thickness) {
  std::vector<std::pair<size_t, double>> shares;
  double sum = 0;
  // A native slice counts from the middle to its predecessor to that to its successor.
  for (size_t i = 0; i < t.size(); ++i) {
    const double before = i > 0 ? (t[i - 1] + t[i]) / 2 : t[i] - 1;
    const double after = i + 1 < t.size() ? (t[i] + t[i + 1]) / 2 : t[i] + 1;
    const double share =
        std::min(after, middle + thickness / 2) - std::max(before, middle - thickness / 2);
    if (share <= 1e-9) continue;
    shares.emplace_back(i, share);
    sum += share;
  }
  for (auto& [slice, share] : shares) share /= sum;
  return shares;
}

// From the study's pixels to the background's.
cv::Matx23d PlaceInBackground(const Background& background, const Canvas& canvas, int size,
                              const BackgroundTransform& transform) {
  const cv::Size source = background.hu.front().size();
  const double angle = transform.turn_degrees * M_PI / 180;
  const double c = std::cos(angle) / transform.scale, s = std::sin(angle) / transform.scale;
  const double flip = transform.mirrored ? -1 : 1;
  // x' = flip * R (x - shift) / scale, in mm from the middle of the image.
  const double a = flip * c * canvas.pixel_mm / background.column_mm;
  const double b = flip * s * canvas.pixel_mm / background.column_mm;
  const double d = -s * canvas.pixel_mm / background.row_mm;
  const double e = c * canvas.pixel_mm / background.row_mm;
  const double x0 = (size - 1) / 2.0 + transform.shift_mm.x / canvas.pixel_mm;
  const double y0 = (size - 1) / 2.0 + transform.shift_mm.y / canvas.pixel_mm;
  return {a, b, (source.width - 1) / 2.0 - a * x0 - b * y0,
          d, e, (source.height - 1) / 2.0 - d * x0 - e * y0};
}

// The lungs' density, moved without an edge at their border.
void ShiftLungs(const cv::Mat& sides, double shift_hu, cv::Mat& hu) {
  if (shift_hu == 0) return;
  for (int i = 0; i < hu.rows; ++i) {
    float* out = hu.ptr<float>(i);
    const uchar* side = sides.ptr<uchar>(i);
    for (int j = 0; j < hu.cols; ++j) {
      if (side[j] == kNoLung) continue;
      const float aerated = std::clamp((-out[j] - 300) / 500, 0.0F, 1.0F);
      out[j] += static_cast<float>(shift_hu) * aerated;
    }
  }
}

Canvas TransformBackground(const Background& background, const BackgroundStudyOptions& options) {
  const BackgroundTransform& transform = options.transform;
  Canvas canvas;
  canvas.pixel_mm = background.column_mm * background.hu.front().cols / options.size;
  const cv::Size size(options.size, options.size);
  const cv::Matx23d place = PlaceInBackground(background, canvas, options.size, transform);
  const double extent = background.t.back() * transform.scale;
  const double native = background.t.size() > 1 ? background.t[1] - background.t[0] : 1;
  const double spacing = transform.spacing_mm > 0 ? transform.spacing_mm : native * transform.scale;
  canvas.thickness_mm = transform.thickness_mm > 0 ? transform.thickness_mm : spacing;
  const int slices = std::max(
      0, static_cast<int>(std::floor((extent + 1e-6 - transform.offset_mm) / spacing)) + 1);
  for (int slice_number = 0; slice_number < slices; ++slice_number) {
    const double t = transform.offset_mm + slice_number * spacing;
    const auto shares =
        Shares(background.t, t / transform.scale, canvas.thickness_mm / transform.scale);
    cv::Mat hu = cv::Mat::zeros(background.hu.front().size(), CV_32FC1);
    for (const auto& [slice, share] : shares) {
      cv::scaleAdd(cv::Mat_<float>(background.hu[slice]), share, hu, hu);
    }
    cv::Mat moved;
    cv::warpAffine(hu, moved, place, size, cv::INTER_CUBIC | cv::WARP_INVERSE_MAP,
                   cv::BORDER_CONSTANT, cv::Scalar(kAirHu));
    cv::Mat sides(size, CV_8UC1, cv::Scalar(kNoLung));
    for (const int side : {kRightLung, kLeftLung}) {
      cv::Mat share_of_lung = cv::Mat::zeros(hu.size(), CV_32FC1), moved_share;
      for (const auto& [slice, share] : shares) {
        cv::scaleAdd(cv::Mat_<float>(cv::Mat((background.sides[slice] == side) / 255)), share,
                     share_of_lung, share_of_lung);
      }
      cv::warpAffine(share_of_lung, moved_share, place, size,
                     cv::INTER_LINEAR | cv::WARP_INVERSE_MAP);
      const int now = transform.mirrored ? kRightLung + kLeftLung - side : side;
      sides.setTo(now, moved_share > 0.5);
    }
    ShiftLungs(sides, transform.lung_shift_hu, moved);
    canvas.hu.push_back(moved);
    canvas.sides.push_back(sides);
    canvas.t.push_back(t);
  }
  return canvas;
}

}  // namespace

BackgroundTransform DrawTransform(Random& random) {
  BackgroundTransform transform;
  transform.mirrored = random.Uniform(0, 1) < 0.5;
  transform.scale = random.Uniform(0.85, 1.15);
  transform.turn_degrees = random.Uniform(-8, 8);
  transform.shift_mm = {random.Uniform(-15, 15), random.Uniform(-15, 15)};
  // Thin slices are many: few studies have them, as disk space goes.
  transform.spacing_mm = random.Uniform(0, 1) < 0.1 ? random.Uniform(2, 4) : random.Uniform(4.5, 8);
  transform.thickness_mm = random.Uniform(0, 1) < 0.5 ? std::min(2.0, transform.spacing_mm)
                                                      : random.Uniform(2, transform.spacing_mm);
  transform.offset_mm = random.Uniform(0, transform.spacing_mm);
  transform.lung_shift_hu = random.Uniform(-35, 35);
  transform.extra_noise_hu = 40 * std::pow(random.Uniform(0, 1), 2.5);
  transform.extra_blur_px = random.Uniform(0, 1) < 0.4 ? random.Uniform(0.4, 1) : 0;
  return transform;
}

SyntheticStudy MakeOnBackground(const Background& background,
                                const BackgroundStudyOptions& options) {
  Canvas canvas = TransformBackground(background, options);
  // Averaging slices has taken some of the noise.
  const double averaged = std::max(
      1.0, canvas.thickness_mm / options.transform.scale /
               std::max(0.1, background.t.size() > 1 ? background.t[1] - background.t[0] : 1.0));
  std::vector<cv::Mat> lesions =
      AddIllness({.label = options.label,
                  .severity = options.severity,
                  .seed = options.seed,
                  .confounders = options.confounders,
                  .noise_hu = 0.85 * background.noise_hu / std::sqrt(averaged),
                  .blur_px = kGrainPx},
                 canvas);
  ApplyScanner({.blur_px = options.transform.extra_blur_px,
                .noise_hu = options.transform.extra_noise_hu,
                .noise_blur_px = std::max(kGrainPx, options.transform.extra_blur_px),
                .seed = options.seed},
               canvas);
  return FinishStudy(absl::StrCat("background/", options.seed, "/", static_cast<int>(options.label),
                                  "/", options.size),
                     canvas, std::move(lesions));
}

}  // namespace m3lung
