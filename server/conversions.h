// SPDX-License-Identifier: Apache-2.0
// The library's own types as those of the API.
#ifndef M3LUNG_SERVER_CONVERSIONS_H_
#define M3LUNG_SERVER_CONVERSIONS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "m3lung/v1/model.pb.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/bundle/manifest.h"
#include "model/engine/inference.h"
#include "opencv2/core/types.hpp"
#include "preprocess/crop_mode.h"
#include "preprocess/orientation.h"
#include "preprocess/skip_reason.h"
#include "preprocess/study/findings.h"

namespace m3lung {

v1::Label ToProto(Label label);
v1::SkipReason ToProto(SkipReason reason);
v1::WeightsOrigin ToProto(WeightsOrigin origin);
v1::StudyReason ToProto(StudyReason reason);
v1::Verdict ToProto(Verdict verdict);
// `box` in the image as stored.
v1::LungBox ToProto(const cv::Rect& box, std::optional<CropMode> method);
v1::CropMode ToProto(CropMode mode);

// Names as the API spells them.
std::string NameOf(std::optional<CropMode> method);
std::string NameOf(v1::Label label);
std::string NameOf(v1::SkipReason reason);
std::string NameOf(v1::Verdict verdict);

// The location map as a message: `map` is in the common orientation, `box` and the
// message are as the image is stored. FULL_SIZE resizes it bilinearly to the box.
v1::LesionMap ToProto(const LocationMap& map, const cv::Rect& box, const Orientation& orientation,
                      v1::LesionMapSize size);

// "OK", "INVALID_ARGUMENT", ...
std::string CodeName(absl::StatusCode code);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_CONVERSIONS_H_
