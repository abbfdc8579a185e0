// SPDX-License-Identifier: Apache-2.0
// A slice of the pipeline (preprocess/study/pipeline.h) as a message: what comes without DICOM, and
// what is answered.
#ifndef M3LUNG_SERVER_STUDY_STUDY_SLICE_H_
#define M3LUNG_SERVER_STUDY_STUDY_SLICE_H_

#include "absl/status/status.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/answers/affected_lung.h"
#include "model/engine/inference.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/dicom_decoder.h"
#include "preprocess/study/pipeline.h"
#include "server/config.pb.h"

namespace m3lung {

DecodeLimits ToDecodeLimits(const server::Limits& limits);

// OK where the message's size is within the limits and its bytes fit it.
absl::Status CheckHuSlice(const v1::HuSlice& slice, const DecodeLimits& limits);

// The slice that a message holds, taken for axial and in the common orientation.
// REQUIRES: CheckHuSlice() found it OK.
StudySlice FromHuSlice(int instance, const v1::HuSlice& slice);

// The answer for a slice that was scored; `index` is left to the caller.
v1::SliceResult MakeSliceResult(const StudySlice& slice, const SliceScores& scores,
                                v1::LesionMapSize maps, const v1::ModelReference& model);

// The slice's lung, and how much of it its scores show as affected. `lung_mask` is as of
// LungVolume, empty where it shows none.
LungCounts CountAffected(const StudySlice& slice, const cv::Mat& lung_mask,
                         const SliceScores& scores);

// The answer for one that was not.
v1::SliceResult MakeUnscoredResult(const StudySlice& slice, const v1::ModelReference& model);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_STUDY_STUDY_SLICE_H_
