// SPDX-License-Identifier: Apache-2.0
// DICOM's RLE (PS3.5 annex G).
#ifndef M3LUNG_PREPROCESS_DICOM_RLE_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_RLE_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// The `count` words of one frame, of `sample_bits` (8 or 16) each. A SkipError()
// where a segment lies outside the frame or does not yield all its bytes.
absl::StatusOr<std::vector<uint16_t>> DecodeRle(absl::string_view frame, size_t count,
                                                int sample_bits);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_RLE_DECODER_H_
