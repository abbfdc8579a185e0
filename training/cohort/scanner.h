// SPDX-License-Identifier: Apache-2.0
// What a scanner adds to a chest: the point spread of its kernel, and noise.
#ifndef M3LUNG_TRAINING_COHORT_SCANNER_H_
#define M3LUNG_TRAINING_COHORT_SCANNER_H_

#include <cstdint>

#include "opencv2/core/mat.hpp"
#include "training/cohort/canvas.h"

namespace m3lung {

// Kernels from soft to sharp: blur from about 1.2 down to 0.5 pixels, sharpening up
// to 0.6, and noise whose grain is as coarse as the blur.
struct ScannerOptions {
  double blur_px = 0.65;       // 0: none
  double sharpen = 0;          // how much of the fine detail is added once more
  double noise_hu = 20;        // deviation in the finished slice
  double noise_blur_px = 0.6;  // grain of the noise
  uint64_t seed = 1;
};

void ApplyScanner(const ScannerOptions& options, Canvas& canvas);

// Noise of mean 0 and deviation 1, blurred by a Gaussian (0: white). CV_32FC1.
cv::Mat MakeNoise(cv::Size size, double blur_px, uint64_t seed);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_SCANNER_H_
