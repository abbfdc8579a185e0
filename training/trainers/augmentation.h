// SPDX-License-Identifier: Apache-2.0
// Random changes that leave a slice's label as it is.
#ifndef M3LUNG_TRAINING_TRAINERS_AUGMENTATION_H_
#define M3LUNG_TRAINING_TRAINERS_AUGMENTATION_H_

#include "absl/functional/function_ref.h"
#include "base/random.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// Ranges are drawn from evenly. The defaults are the paper's: a flip, and a window
// centre (sections III-A.2 and IV-A).
struct AugmentationOptions {
  bool flip = true;  // left and right, half of the slices
  float lowest_centre_hu = -700;
  float highest_centre_hu = -500;

  // Beyond the paper; all off by default.
  double turn_degrees = 0;  // either way
  double scale_low = 1, scale_high = 1;
  double shift = 0;             // either way in both directions, as a share of the side
  double noise_hu = 0;          // highest deviation
  double blur_pixels = 0;       // highest deviation of a Gaussian, half of the slices
  double density_shift_hu = 0;  // of the whole slice, either way
  double bend = 0;              // highest deviation of a smooth warp, as a share of the side
  double bowel_share = 0;       // of slices that get bowel and what is in it, where there is tissue
  // Of aerated lung, which breath, age and smoke make denser and thinner, and gravity and air
  // trapping uneven; a network that has seen few lungs takes all that for disease.
  double lung_shift_hu = 0;   // either way
  double lung_slope_hu = 0;   // from front to back, either way
  double lung_mottle_hu = 0;  // highest deviation of smooth differences between regions
  double lung_spread = 0;     // share by which differences from usual lung grow or shrink
};

// For training on synthetic studies, which the network is to leave for real ones.
AugmentationOptions StrongAugmentation();

// `hu` CV_16SC1, square; returns one of the same size with pixels of its own. `mask`, where there
// is one, is CV_8UC1 of the same size and moves with the slice.
cv::Mat Augment(const cv::Mat& hu, const AugmentationOptions& options, Random& random,
                cv::Mat* mask = nullptr);

// Which part of a slice is wanted, from the slice's size and its mask, empty where there is none,
// both as they are once all has moved.
using PartChoice = absl::FunctionRef<cv::Rect(cv::Size slice, const cv::Mat& mask)>;

// The same of a part alone, in the time of that part: it is cut out before its pixels are changed.
// But for blur at its edges, noise and bowel, which are drawn for the part, it is the part of what
// Augment() returns. `mask` becomes the part's.
cv::Mat AugmentPart(const cv::Mat& hu, const AugmentationOptions& options, PartChoice choose,
                    Random& random, cv::Mat* mask = nullptr);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_AUGMENTATION_H_
