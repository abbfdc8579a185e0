// SPDX-License-Identifier: Apache-2.0
// The library's own types as those of the API.
#ifndef M3LUNG_SERVER_CONVERSIONS_H_
#define M3LUNG_SERVER_CONVERSIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "m3lung/v1/model.pb.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/inference.h"
#include "model/manifest.h"
#include "preprocess/lungs/lung_crop.h"
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
v1::LungBox ToProto(const cv::Rect& box, CropMethod method);
// CROP_MODE_UNSPECIFIED for a mode that the API does not know.
v1::CropMode ToProtoCropMode(absl::string_view crop_mode);

// Names as the API spells them.
std::string NameOf(CropMethod method);
std::string NameOf(v1::Label label);
std::string NameOf(v1::SkipReason reason);
std::string NameOf(v1::Verdict verdict);

// The location map as a message: `map` is in the common orientation, `box` and the
// message are as the image is stored. FULL_SIZE resizes it bilinearly to the box.
v1::LesionMap ToProto(const LocationMap& map, const cv::Rect& box, const Orientation& orientation,
                      v1::LesionMapSize size);

// An error of the API: a code, a stable reason and a message for a person.
struct ApiError {
  absl::Status status;
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  absl::Duration retry_after = absl::ZeroDuration();  // zero: no advice
};

// The error of a call whose slice or patient could not be scored, by the batcher's
// and the runner's codes.
ApiError ScoringError(const absl::Status& status);

// The trailing metadata entry that holds the reason's name.
inline constexpr char kReasonMetadata[] = "m3lung-reason";
// And the one with the milliseconds to try again after, which gRPC's own retries heed.
inline constexpr char kRetryMetadata[] = "grpc-retry-pushback-ms";

grpc::Status ToGrpcStatus(const absl::Status& status);

// "OK", "INVALID_ARGUMENT", ...
std::string CodeName(absl::StatusCode code);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_CONVERSIONS_H_
