// SPDX-License-Identifier: Apache-2.0
// One slice on its way to the network: decoded, cropped, resized, answered.
#ifndef M3LUNG_SERVER_STUDY_SLICE_H_
#define M3LUNG_SERVER_STUDY_SLICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/inference.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lungs/lung_crop.h"
#include "preprocess/study/slice_summary.h"
#include "server/config.pb.h"

namespace m3lung {

struct StudySlice {
  SliceSummary summary;
  std::vector<std::string> warnings;
  cv::Mat hu;    // as stored, CV_16SC1; released once it is cropped
  cv::Rect box;  // that the network sees, in the image as stored
  CropMethod method = CropMethod::kNone;
  std::vector<int16_t> input;  // input_size x input_size HU, row by row, in the common orientation

  int64_t bytes() const {
    return static_cast<int64_t>(hu.total() * hu.elemSize() + input.size() * sizeof(int16_t));
  }
};

DecodeLimits ToDecodeLimits(const server::Limits& limits);

// The slices of a DICOM file. The error carries a SkipReason.
absl::StatusOr<std::vector<StudySlice>> DecodeSlices(int instance, absl::string_view dicom,
                                                     const DecodeLimits& limits);

// OK where the message's size is within the limits and its bytes fit it.
absl::Status CheckHuSlice(const v1::HuSlice& slice, const DecodeLimits& limits);

// The slice that a message holds, taken for axial and in the common orientation.
// REQUIRES: CheckHuSlice() found it OK.
StudySlice FromHuSlice(int instance, const v1::HuSlice& slice);

// Makes `input` from the paper's box of this slice alone, and releases `hu`.
void CropByPaper(int input_size, StudySlice& slice);

// Makes `input` from the study's box, given in the common orientation, and
// releases `hu`.
void CropByVolume(const cv::Rect& common_box, int input_size, StudySlice& slice);

// The answer for a slice that was scored; `index` is left to the caller.
v1::SliceResult MakeSliceResult(const StudySlice& slice, const SliceScores& scores,
                                v1::LesionMapSize maps, const v1::ModelReference& model);

// The answer for one that was not.
v1::SliceResult MakeUnscoredResult(const StudySlice& slice, const v1::ModelReference& model);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_SLICE_H_
