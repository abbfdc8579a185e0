// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/scanner.h"

#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace m3lung {
namespace {

constexpr int kKernelPx = 7;
constexpr double kSharpenBlurPx = 1.2;
// Rays through air alone are hardly weakened, so there is less noise about the body.
constexpr double kNothingHu = -940;
constexpr double kNoiseOutside = 0.5;

}  // namespace

cv::Mat MakeNoise(cv::Size size, double blur_px, uint64_t seed) {
  cv::Mat noise(size, CV_32FC1);
  cv::RNG random(seed * 0x9e3779b97f4a7c15u + 1);  // neighbouring seeds, unlike noise
  random.fill(noise, cv::RNG::NORMAL, 0, 1);
  if (blur_px <= 0) return noise;
  const cv::Mat kernel = cv::getGaussianKernel(kKernelPx, blur_px, CV_32F);
  cv::sepFilter2D(noise, noise, CV_32F, kernel, kernel);
  noise *= 1 / kernel.dot(kernel);  // blurring lowers the deviation by this much
  return noise;
}

void ApplyScanner(const ScannerOptions& options, Canvas& canvas) {
  for (size_t slice = 0; slice < canvas.hu.size(); ++slice) {
    cv::Mat& hu = canvas.hu[slice];
    if (options.blur_px > 0) {
      cv::GaussianBlur(hu, hu, {kKernelPx, kKernelPx}, options.blur_px);
    }
    if (options.sharpen > 0) {
      cv::Mat smooth;
      cv::GaussianBlur(hu, smooth, {kKernelPx, kKernelPx}, kSharpenBlurPx);
      hu += options.sharpen * (hu - smooth);
    }
    if (options.noise_hu > 0) {
      cv::Mat noise =
          MakeNoise(hu.size(), options.noise_blur_px, options.seed + 7919 * (slice + 1));
      cv::Mat around;
      cv::multiply(noise, kNoiseOutside, around);
      around.copyTo(noise, (hu < kNothingHu) & (canvas.sides[slice] == 0));
      hu += options.noise_hu * noise;
    }
  }
}

}  // namespace m3lung
