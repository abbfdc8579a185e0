// SPDX-License-Identifier: Apache-2.0
// DICOM bytes to Hounsfield units: the only code that sees DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_DECODER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "preprocess/decoded_instance.h"
#include "preprocess/hu_slice.h"

namespace m3lung {

// Checked before memory is set aside.
struct DecodeLimits {
  int max_rows = 4096;
  int max_columns = 4096;
  int max_frames = 2000;  // of one instance
  // Of a data set once inflated (Deflated Explicit VR Little Endian).
  int64_t max_inflated_bytes = int64_t{1} << 30;
  // Of an instance's pixels once decoded, all frames together.
  int64_t max_decoded_bytes = int64_t{2} << 30;
  // For one instance; looked at between frames and fragments.
  absl::Duration max_time = absl::Seconds(30);
};

// Decodes one CT instance (a whole DICOM file): a single image, or the frames of
// an Enhanced CT object. Rescaled in floating point with each slice's own slope
// and intercept, rounded half to even, kept within int16. The error carries a
// SkipReason (preprocess/skip_reason.h).
//
// Thread safety: may be called from any thread.
absl::StatusOr<DecodedInstance> DecodeInstance(absl::string_view bytes, const DecodeLimits& limits);

// The same for an instance that must hold one slice; kMultiFrame where it holds more.
absl::StatusOr<HuSlice> DecodeDicom(absl::string_view bytes, const DecodeLimits& limits);

// The SOP instance uid alone, for the receipt of an instance that cannot be
// decoded; empty where none can be read. Never fails.
std::string PeekSopInstanceUid(absl::string_view bytes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_DECODER_H_
