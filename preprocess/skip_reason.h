// SPDX-License-Identifier: Apache-2.0
// Why an instance cannot be used, as part of the absl::Status that says so.
#ifndef M3LUNG_PREPROCESS_SKIP_REASON_H_
#define M3LUNG_PREPROCESS_SKIP_REASON_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// Each has its namesake in the API's enum SkipReason (proto/m3lung/v1/results.proto).
enum class SkipReason {
  kNotDicom = 1,
  kMalformed,
  kUnsupportedTransferSyntax,
  kNotCt,
  kNoPixelData,
  kUnsupportedPixelFormat,
  kMultiFrame,
  kTooLarge,
  kLocalizer,
  kNoGeometry,
  kNotAxial,
  kOtherSeries,
  kDuplicate,
  kSecondaryCapture,
  kBurnedInAnnotation,
  kNotAnImage,
  kOtherAcquisition,
  kDoubledPosition,
  kTooSlow,
};

// An INVALID_ARGUMENT (RESOURCE_EXHAUSTED for kTooLarge) that carries `reason`.
// `detail` is for a person and holds no patient data.
absl::Status SkipError(SkipReason reason, absl::string_view detail);

// The reason that a status from SkipError() carries; kMalformed for any other error.
SkipReason SkipReasonOf(const absl::Status& status);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_SKIP_REASON_H_
