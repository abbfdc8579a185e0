// SPDX-License-Identifier: Apache-2.0
// Paints one slice of a synthetic chest, free of disease.
#ifndef M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_
#define M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_

#include <vector>

#include "opencv2/core/mat.hpp"
#include "training/cohort/anatomy.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

struct PaintedSlice {
  cv::Mat hu;     // size x size, CV_32FC1, without noise
  cv::Mat sides;  // CV_8UC1 of LungSide
};

// A whole study's content, painted slice by slice.
struct ChestScene {
  const Anatomy& anatomy;
  const std::vector<Vessel>& vessels;
  uint64_t texture_seed = 0;
  double abdomen_gas_mm = 14;  // size of the stomach's gas bubble
  double slab_mm = 3;          // of vessels that show in a slice
  double lung_hu = -868;       // of lung, without vessels
  cv::Point2d shift_mm = {};   // of the patient in the field of view
  bool table = true;
  bool arms_beside = false;  // else they are above the head
};

// The slice at t.
PaintedSlice PaintSlice(const ChestScene& scene, double t, int size, double field_mm);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_SLICE_PAINTER_H_
