// SPDX-License-Identifier: Apache-2.0
// A made study and its truth.
#ifndef M3LUNG_TRAINING_COHORT_SYNTHETIC_STUDY_H_
#define M3LUNG_TRAINING_COHORT_SYNTHETIC_STUDY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/engine/inference.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/hu_slice.h"
#include "training/cohort/canvas.h"

namespace m3lung {

// Entry i of each vector belongs to slice i, from head to feet.
struct SyntheticStudy {
  std::vector<HuSlice> slices;
  // As large as a slice, CV_8UC1: 255 in the lungs, lesions included.
  std::vector<cv::Mat> lung_masks;
  // Likewise: 255 in lesions; all zero when healthy.
  std::vector<cv::Mat> lesion_masks;
  double thickness_mm = 0;  // of each slice; not the spacing between them
};

struct IllnessOptions {
  Label label = Label::kHealthy;
  double severity = 0.4;  // 0 to 1
  uint64_t seed = 1;
  bool confounders = true;  // harmless findings and motion
  double noise_hu = 0;      // as in LesionLayerOptions
  double blur_px = 0;
};

// Lays the class's lesions and what misleads into `canvas`. The label and the severity
// take no part in the harmless findings. Returns the truth as LayLesions() does.
std::vector<cv::Mat> AddIllness(const IllnessOptions& options, Canvas& canvas);

// The canvas as a study. `name` gives its UIDs: equal names, equal UIDs. HU are
// rounded and kept within -1024 to 3071.
SyntheticStudy FinishStudy(absl::string_view name, const Canvas& canvas,
                           std::vector<cv::Mat> lesion_masks);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_SYNTHETIC_STUDY_H_
