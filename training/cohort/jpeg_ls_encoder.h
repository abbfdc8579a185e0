// SPDX-License-Identifier: Apache-2.0
// JPEG-LS by CharLS: the counterpart of preprocess/dicom/jpeg_ls_decoder.h.
#ifndef M3LUNG_TRAINING_COHORT_JPEG_LS_ENCODER_H_
#define M3LUNG_TRAINING_COHORT_JPEG_LS_ENCODER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace m3lung {

// One image of one component of 16 bits, row by row, without loss.
absl::StatusOr<std::string> EncodeJpegLs(absl::Span<const uint16_t> words, int rows, int columns);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_JPEG_LS_ENCODER_H_
