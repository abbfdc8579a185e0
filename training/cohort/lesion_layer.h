// SPDX-License-Identifier: Apache-2.0
// Lays lesions into a chest.
#ifndef M3LUNG_TRAINING_COHORT_LESION_LAYER_H_
#define M3LUNG_TRAINING_COHORT_LESION_LAYER_H_

#include <cstdint>
#include <vector>

#include "training/cohort/canvas.h"
#include "training/cohort/lesion_shape.h"

namespace m3lung {

struct LesionLayerOptions {
  uint64_t texture_seed = 0;
  // Deviation of the noise that the canvas already has, so that a lesion, which
  // takes the place of noisy air, is as noisy; 0 where noise comes later.
  double noise_hu = 0;
  // The same of the point spread in the slice plane; 0 where it comes later.
  double blur_px = 0;
};

// Fills the lungs of `canvas` by the lesions, the densest where they overlap. Vessels
// stay visible through ground glass and vanish in consolidation; what lies outside
// the lungs keeps its value but for the half-filled pixels of their border.
//
// Returns the truth, one mask a slice (CV_8UC1, 0 or 255): pixels of lung where a
// lesion that is not harmless has a weight of 0.4 and changes aerated lung by about
// 70 HU or more, and where there was air to fill.
std::vector<cv::Mat> LayLesions(const std::vector<Lesion>& lesions,
                                const LesionLayerOptions& options, Canvas& canvas);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_LESION_LAYER_H_
