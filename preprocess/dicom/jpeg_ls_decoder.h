// SPDX-License-Identifier: Apache-2.0
// JPEG-LS by CharLS: the only code that sees it.
#ifndef M3LUNG_PREPROCESS_DICOM_JPEG_LS_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_JPEG_LS_DECODER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// The words of one image of one component, row by row, each the low bits of a
// sample. A SkipError() where the code is not of `rows` x `columns` samples of
// `precision` bits, is damaged, or ends early.
absl::StatusOr<std::vector<uint16_t>> DecodeJpegLs(absl::string_view code, int rows, int columns,
                                                   int precision);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_JPEG_LS_DECODER_H_
