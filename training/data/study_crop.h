// SPDX-License-Identifier: Apache-2.0
// Which slices of a study the networks see, and which part of them: as when the
// study is served in crop mode `volume`.
#ifndef M3LUNG_TRAINING_DATA_STUDY_CROP_H_
#define M3LUNG_TRAINING_DATA_STUDY_CROP_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/orientation.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

struct StudyCrop {
  cv::Rect box;             // pixels, in the common orientation
  std::vector<int> slices;  // indices of those that show lung, from head to feet
};

// FAILED_PRECONDITION, with the findings in words, where a study like this would be
// rejected, or get no answer about the patient.
absl::StatusOr<StudyCrop> FindStudyCrop(absl::Span<const SliceSummary> slices);

// The box's part of an image as stored (CV_16SC1), resized: size x size, in the
// common orientation.
cv::Mat CropToBox(const cv::Mat& stored, const Orientation& orientation, const cv::Rect& box,
                  int size);

// The same for a mask (CV_8UC1, 0 or not): CV_8UC1, 0 or 1, by at least half.
cv::Mat CropMaskToBox(const cv::Mat& stored, const Orientation& orientation, const cv::Rect& box,
                      int size);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_STUDY_CROP_H_
