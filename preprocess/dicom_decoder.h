// SPDX-License-Identifier: Apache-2.0
// DICOM bytes to Hounsfield units: the only code that sees DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_DECODER_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "preprocess/decoded_instance.h"
#include "preprocess/hu_slice.h"

namespace m3lung {

// What decoding is about to take memory for.
struct MemoryNeed {
  int frames = 0;     // to be decoded; 0 while a data set is inflated
  int64_t bytes = 0;  // beyond what was asked for before
};

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
  // Asked before memory is taken: while a data set is inflated, then once for the pixels of all
  // frames and what decoding one of them needs beside them. Its error ends the decoding, and is
  // returned as it is. Null: always granted.
  std::function<absl::Status(const MemoryNeed&)> admit = nullptr;
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

// What can be read of an instance that cannot be decoded.
struct PeekedHeader {
  std::string sop_instance_uid;  // for its receipt
  StudyIdentity identity;
};

// Never fails: what cannot be read is empty.
PeekedHeader PeekHeader(absl::string_view bytes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_DECODER_H_
