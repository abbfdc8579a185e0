// SPDX-License-Identifier: Apache-2.0
// Real healthy studies that lesions are laid into.
#ifndef M3LUNG_TRAINING_COHORT_BACKGROUND_H_
#define M3LUNG_TRAINING_COHORT_BACKGROUND_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "base/random.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/study/pipeline.h"
#include "training/cohort/synthetic_study.h"

namespace m3lung {

// A study as it was scanned, in the common orientation, from head to feet. Holds
// pixels and measures alone: nothing of the source's header.
struct Background {
  std::vector<cv::Mat> hu;     // CV_16SC1
  std::vector<cv::Mat> sides;  // CV_8UC1 of LungSide, vessels of the lungs included
  std::vector<double> t;       // mm towards the feet, from the first slice
  double row_mm = 0, column_mm = 0;
  double noise_hu = 0;  // deviation, in soft tissue
};

// Reads the DICOM files of `folder`. INVALID_ARGUMENT where they make up no chest in
// which lungs are found, with the reason; files that are no CT slices are left out.
absl::StatusOr<Background> ReadBackground(const std::filesystem::path& folder);

// The same from slices; those that cannot be used together are left out.
absl::StatusOr<Background> MakeBackground(std::vector<StudySlice> slices);

// How a background is changed as a whole, so that hundreds of studies out of one
// differ. The ranges are those of DrawTransform().
struct BackgroundTransform {
  bool mirrored = false;      // half of the studies
  double scale = 1;           // 0.85 to 1.15, of the patient in all directions
  double turn_degrees = 0;    // -8 to 8
  cv::Point2d shift_mm = {};  // -15 to 15 each way
  double spacing_mm = 0;      // 2 to 8; 0: each slice of the background as it is
  double thickness_mm = 0;    // from 2 up to the spacing
  double offset_mm = 0;       // of the first slice, 0 to the spacing
  double lung_shift_hu = 0;   // of aerated lung, -35 to 35
  double extra_noise_hu = 0;  // 0 to 40, most often little
  double extra_blur_px = 0;   // 0 to 1: a softer kernel
};
BackgroundTransform DrawTransform(Random& random);

struct BackgroundStudyOptions {
  Label label = Label::kHealthy;
  double severity = 0.4;
  uint64_t seed = 1;
  int size = 512;  // rows and columns
  bool confounders = true;
  BackgroundTransform transform;
};

// Thread safety: may be called from any thread.
SyntheticStudy MakeOnBackground(const Background& background,
                                const BackgroundStudyOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_BACKGROUND_H_
