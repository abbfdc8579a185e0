// SPDX-License-Identifier: Apache-2.0
// A synthetic chest CT study: thorax, lungs and, by class, lesions.
#ifndef M3LUNG_TRAINING_COHORT_PHANTOM_H_
#define M3LUNG_TRAINING_COHORT_PHANTOM_H_

#include <cstdint>
#include <vector>

#include "model/engine/inference.h"
#include "opencv2/core/types.hpp"
#include "training/cohort/synthetic_study.h"

namespace m3lung {

// The ranges are those of DrawPhantomOptions().
struct PhantomOptions {
  Label label = Label::kHealthy;
  uint64_t seed = 1;
  double severity = 0.5;  // 0: a few small lesions; 1: most of the lung
  int slices = 40;        // 24 to 64, about 5 to 10 mm apart
  int size = 512;         // rows and columns

  // The patient.
  double length_mm = 320;    // from neck to upper abdomen, 290 to 350
  double build = 0.3;        // 0 slender, 1 stout
  double lung_hu = -868;     // of aerated lung: -895 with a deep breath in, -790 without
  bool arms_beside = false;  // else above the head; one in six

  // The scan.
  double field_mm = 360;       // side of the square field of view, 320 to 430
  cv::Point2d shift_mm = {};   // of the patient in it, -18 to 18
  double cut_above_mm = 0;     // of the neck, left out: 0 to 25
  double cut_below_mm = 0;     // of the abdomen, left out: 0 to 40
  double thickness_mm = 3;     // of a slice, 1.5 mm up to the spacing
  double noise_hu = 20;        // deviation, 8 to 34
  double blur_px = 0.65;       // of the kernel: 0.5 sharp to 1.15 soft
  double sharpen = 0;          // 0 to 0.7, with sharp kernels
  double noise_blur_px = 0.6;  // grain of the noise, about as coarse as the blur
  bool table = true;           // nine in ten
  bool confounders = true;     // harmless findings and motion
};

using Phantom = SyntheticStudy;

// A chest and a scan of it, drawn at random; the label is left to the caller.
PhantomOptions DrawPhantomOptions(uint64_t seed);

// The same options give the same study, bit for bit, on any machine of one
// instruction set.
Phantom MakePhantom(const PhantomOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_PHANTOM_H_
