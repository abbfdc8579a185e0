#include "training/trainers/augmentation.h"

#include "opencv2/imgproc.hpp"
#include "preprocess/hu_slice.h"

namespace m3lung {

AugmentationOptions StrongAugmentation() {
  AugmentationOptions options;
  options.turn_degrees = 8;
  options.scale_low = 0.85;
  options.scale_high = 1.1;
  options.shift = 0.04;
  options.noise_hu = 40;
  options.blur_pixels = 0.9;
  options.density_shift_hu = 15;
  return options;
}

cv::Mat Augment(const cv::Mat& hu, const AugmentationOptions& options, Random& random,
                cv::Mat* mask) {
  cv::Mat result;
  const bool flips = options.flip && random.Uniform(0, 1) < 0.5;
  const double degrees = random.Uniform(-options.turn_degrees, options.turn_degrees);
  const double scale = random.Uniform(options.scale_low, options.scale_high);
  const double dx = random.Uniform(-options.shift, options.shift) * hu.cols;
  const double dy = random.Uniform(-options.shift, options.shift) * hu.rows;
  if (degrees != 0 || scale != 1 || dx != 0 || dy != 0) {
    cv::Mat way =
        cv::getRotationMatrix2D({(hu.cols - 1) / 2.0F, (hu.rows - 1) / 2.0F}, degrees, scale);
    way.at<double>(0, 2) += dx;
    way.at<double>(1, 2) += dy;
    cv::warpAffine(hu, result, way, hu.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    if (mask != nullptr) {
      cv::Mat moved;
      cv::warpAffine(*mask, moved, way, hu.size(), cv::INTER_NEAREST, cv::BORDER_CONSTANT);
      *mask = moved;
    }
  } else {
    result = hu.clone();
  }
  if (flips) {
    cv::flip(result, result, /*flipCode=*/1);
    if (mask != nullptr) {
      cv::Mat flipped;  // the mask may lie in a file that must not be written to
      cv::flip(*mask, flipped, /*flipCode=*/1);
      *mask = flipped;
    }
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
