// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/lesion_layer.h"

#include <algorithm>
#include <cmath>

#include "opencv2/imgproc.hpp"
#include "training/cohort/scanner.h"
#include "training/cohort/spatial_noise.h"

namespace m3lung {
namespace {

constexpr float kFilledHu = 38;       // of what takes the air's place
constexpr float kTruthWeight = 0.4F;  // of a lesion's shape
constexpr float kTruthFill = 0.08F;   // about 70 HU in aerated lung
constexpr double kAerationMm = 3;     // over which the air about a pixel is looked at
constexpr double kAeratedHu = -300;   // mean of that, below which there is some
constexpr double kSubSlabMm = 3;      // a lesion is sampled this densely within a slice
constexpr int kBorderPx = 2;          // pixels of the lungs' border that hold some air

// A slice's lesions as two images.
struct Layer {
  cv::Mat fill;    // CV_32FC1, of all
  cv::Mat weight;  // of those that are no harmless finding and fill enough
};

// One plane of a slice; adds a `share` of what the lesions are there.
class PlaneSampler {
 public:
  PlaneSampler(const Canvas& canvas, size_t slice, const cv::Mat& depth, const SpatialNoise& noise)
      : canvas_(canvas), side_(canvas.sides[slice]), depth_(depth), noise_(noise) {}

  // Raises `plane` to the lesion where that is more.
  void Add(const Lesion& lesion, double t, Layer& plane) const {
    const double reach = ReachMm(lesion);
    const cv::Rect around(
        cv::Point(canvas_.Column(lesion.centre.x - reach), canvas_.Column(lesion.centre.y - reach)),
        cv::Point(canvas_.Column(lesion.centre.x + reach) + 1,
                  canvas_.Column(lesion.centre.y + reach) + 1));
    const cv::Rect box = around & cv::Rect(0, 0, side_.cols, side_.rows);
    for (int i = box.y; i < box.y + box.height; ++i) {
      const uchar* side = side_.ptr<uchar>(i);
      const float* depth = depth_.ptr<float>(i);
      float* fill = plane.fill.ptr<float>(i);
      float* weight = plane.weight.ptr<float>(i);
      const double y = canvas_.X(i);
      for (int j = box.x; j < box.x + box.width; ++j) {
        if (side[j] != lesion.side) continue;
        const LesionSample sample =
            SampleLesion(lesion, noise_, {canvas_.X(j), y, t}, depth[j] * canvas_.pixel_mm);
        fill[j] = std::max(fill[j], static_cast<float>(sample.fill));
        if (!lesion.harmless && sample.fill >= kTruthFill) {
          weight[j] = std::max(weight[j], static_cast<float>(sample.weight));
        }
      }
    }
  }

 private:
  const Canvas& canvas_;
  const cv::Mat& side_;
  const cv::Mat& depth_;
  const SpatialNoise& noise_;
};

Layer Sample(const std::vector<const Lesion*>& lesions, const Canvas& canvas, size_t slice,
             const SpatialNoise& noise) {
  const cv::Size size = canvas.hu[slice].size();
  cv::Mat depth;
  cv::distanceTransform(canvas.sides[slice], depth, cv::DIST_L2, 3, CV_32F);
  const PlaneSampler sampler(canvas, slice, depth, noise);
  const int planes = std::max(1, static_cast<int>(std::lround(canvas.thickness_mm / kSubSlabMm)));
  Layer whole;
  for (int k = 0; k < planes; ++k) {
    const double t = canvas.t[slice] + ((k + 0.5) / planes - 0.5) * canvas.thickness_mm;
    Layer plane = {cv::Mat::zeros(size, CV_32FC1), cv::Mat::zeros(size, CV_32FC1)};
    for (const Lesion* lesion : lesions) {
      if (std::abs(t - lesion->centre.t) <= ReachAlongT(*lesion)) sampler.Add(*lesion, t, plane);
    }
    if (k == 0) {
      whole = plane;
    } else {
      whole.fill += plane.fill;
      whole.weight += plane.weight;
    }
  }
  whole.fill *= 1.0 / planes;
  whole.weight *= 1.0 / planes;
  return whole;
}

// Goes on with the fill over the border's pixels, which are part air, part wall.
void ExtendOverBorder(const cv::Mat& side, cv::Mat& fill) {
  cv::Mat grown;
  cv::dilate(fill, grown, cv::Mat::ones(3, 3, CV_8U), {-1, -1}, kBorderPx);
  grown.copyTo(fill, side == 0);
}

// Where there is air to fill: lung with its vessels, and not the hilum, which the
// lungs' masks enclose in part. The mean is over what is lung alone, so that the wall
// takes no part in it.
cv::Mat Aerated(const Canvas& canvas, size_t slice) {
  cv::Mat lung, sum, mean;
  cv::Mat(canvas.sides[slice] != 0).convertTo(lung, CV_32F, 1 / 255.0);
  const double sigma = kAerationMm / canvas.pixel_mm;
  cv::GaussianBlur(canvas.hu[slice].mul(lung), sum, {0, 0}, sigma);
  cv::GaussianBlur(lung, mean, {0, 0}, sigma);
  cv::divide(sum, cv::max(mean, 1e-3), mean);
  return mean < kAeratedHu;
}

}  // namespace

std::vector<cv::Mat> LayLesions(const std::vector<Lesion>& lesions,
                                const LesionLayerOptions& options, Canvas& canvas) {
  const SpatialNoise noise(options.texture_seed);
  std::vector<cv::Mat> truth;
  for (size_t slice = 0; slice < canvas.hu.size(); ++slice) {
    cv::Mat& hu = canvas.hu[slice];
    std::vector<const Lesion*> here;
    for (const Lesion& lesion : lesions) {
      const double away = std::abs(canvas.t[slice] - lesion.centre.t);
      if (away <= ReachAlongT(lesion) + canvas.thickness_mm / 2) here.push_back(&lesion);
    }
    if (here.empty() || cv::countNonZero(canvas.sides[slice]) == 0) {
      truth.push_back(cv::Mat::zeros(hu.size(), CV_8UC1));
      continue;
    }
    Layer layer = Sample(here, canvas, slice, noise);
    truth.push_back((layer.weight >= kTruthWeight) & Aerated(canvas, slice));
    ExtendOverBorder(canvas.sides[slice], layer.fill);
    if (options.blur_px > 0) cv::GaussianBlur(layer.fill, layer.fill, {5, 5}, options.blur_px);
    const cv::Mat grain =
        options.noise_hu > 0
            ? MakeNoise(hu.size(), options.blur_px, options.texture_seed + 104729 * (slice + 1))
            : cv::Mat::zeros(hu.size(), CV_32FC1);
    cv::Mat reach;
    cv::dilate(canvas.sides[slice], reach, cv::Mat::ones(3, 3, CV_8U), {-1, -1}, kBorderPx);
    for (int i = 0; i < hu.rows; ++i) {
      float* out = hu.ptr<float>(i);
      const float* fill = layer.fill.ptr<float>(i);
      const float* n = grain.ptr<float>(i);
      const uchar* touched = reach.ptr<uchar>(i);
      for (int j = 0; j < hu.cols; ++j) {
        const float f = fill[j];
        if (f <= 0 || touched[j] == 0) continue;
        // Dense tissue is no thinner for being in a lesion.
        if (out[j] >= kFilledHu && f <= 1) continue;
        const float kept = std::max(0.0F, 1 - f);
        out[j] = kept * out[j] + f * kFilledHu +
                 static_cast<float>(options.noise_hu) * std::sqrt(1 - kept * kept) * n[j];
      }
    }
  }
  return truth;
}

}  // namespace m3lung
