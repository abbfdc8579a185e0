// SPDX-License-Identifier: Apache-2.0
// The one way from a study's bytes to what the networks see, for whoever serves, trains or
// compares (docs/adr/0016-one-pipeline.md):
//
//   ReadInstance()      an instance's bytes: its slices, each with its summary
//   PlanStudy()         all summaries: which slices the networks see, and in which box
//   MakeNetworkInput()  a slice and the box: the pixels that the slice network is given
#ifndef M3LUNG_PREPROCESS_STUDY_PIPELINE_H_
#define M3LUNG_PREPROCESS_STUDY_PIPELINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/study/slice_summary.h"

namespace m3lung {

// One slice on its way. A copy costs little: matrices share their elements.
struct StudySlice {
  SliceSummary summary;
  std::vector<std::string> warnings;
  cv::Mat hu;                      // as stored, CV_16SC1; released when the input is made
  cv::Rect box;                    // that the network sees, in the image as stored
  std::optional<CropMode> method;  // as of LungCrop
  std::vector<int16_t> input;  // input_size x input_size HU, row by row, in the common orientation

  int64_t coarse_bytes() const {
    return static_cast<int64_t>(summary.coarse.total() * summary.coarse.elemSize());
  }
  // Of pixels, without the coarse ones.
  int64_t bytes() const {
    return static_cast<int64_t>(hu.total() * hu.elemSize() + input.size() * sizeof(int16_t));
  }
};

// The slices of a DICOM file; `instance` is its place in the order sent, from 0. The error carries
// a SkipReason.
// Thread safety: may be called from any thread, as all functions here.
absl::StatusOr<std::vector<StudySlice>> ReadInstance(int instance, absl::string_view dicom,
                                                     const DecodeLimits& limits);

// A slice that was not read from a DICOM file.
StudySlice ToStudySlice(int instance, const InstanceHeader& header, HuSlice slice);

struct StudyPlan {
  cv::Rect box;             // pixels, in the common orientation
  std::vector<int> slices;  // indices of those that show lung, from head to feet
};

// What the networks see of a study in crop mode `volume`. FAILED_PRECONDITION, with the findings in
// words, where a study like this would be rejected, or get no answer about the patient.
absl::StatusOr<StudyPlan> PlanStudy(absl::Span<const SliceSummary> slices);

// Makes `input` from the study's box, given in the common orientation (crop mode `volume`), and
// releases `hu`.
void MakeNetworkInput(const cv::Rect& common_box, int input_size, StudySlice& slice);

// Makes `input` from the paper's box of this slice alone (crop mode `paper`), and releases `hu`.
void MakeNetworkInputByPaper(int input_size, StudySlice& slice);

// What MakeNetworkInput() makes of a mask (CV_8UC1, 0 or not) of the slice's pixels: input_size x
// input_size, CV_8UC1, 0 or 1, by at least half.
cv::Mat MaskOfInput(const cv::Mat& stored, const Orientation& orientation,
                    const cv::Rect& common_box, int input_size);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_PIPELINE_H_
