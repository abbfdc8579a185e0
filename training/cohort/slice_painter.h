// Paints one slice of a synthetic chest.
#ifndef M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_
#define M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_

#include <vector>

#include "opencv2/core/mat.hpp"
#include "training/cohort/anatomy.h"
#include "training/cohort/lesions.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

struct PaintedSlice {
  cv::Mat hu;           // size x size, CV_16SC1
  cv::Mat lung_mask;    // CV_8UC1, 0 or 255
  cv::Mat lesion_mask;  // likewise, within lung_mask
};

// A whole study's content, painted slice by slice.
struct ChestScene {
  const Anatomy& anatomy;
  const std::vector<Vessel>& vessels;
  const std::vector<Lesion>& lesions;
  uint64_t texture_seed = 0;
  double noise_hu = 20;
  double abdomen_gas_mm = 14;  // size of the stomach's gas bubble
};

// The slice at t; `random` gives the noise of the scanner.
PaintedSlice PaintSlice(const ChestScene& scene, double t, int size, double field_mm,
                        Random& random);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_
