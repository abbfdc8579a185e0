// SPDX-License-Identifier: Apache-2.0
// The stored words of one compressed frame. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_FRAME_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_FRAME_DECODER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "preprocess/dicom/transfer_syntax.h"
#include "preprocess/hounsfield.h"

namespace m3lung {

struct DecodedFrame {
  // Row by row; samples of 8 bits are widened.
  std::vector<uint16_t> words;
  // Of `words`: the data set's, but for what the code says otherwise.
  PixelFormat format;
  bool lossless = true;
};

// Decodes the code of one frame of `format`, which is checked and of a size within
// the limits. The code's own header is checked against it before a decoder believes
// it. A SkipError() where they contradict each other or decoding fails.
// REQUIRES: syntax.coding is not kNative.
absl::StatusOr<DecodedFrame> DecodeFrame(absl::string_view code, const TransferSyntax& syntax,
                                         const PixelFormat& format);

// `bytes` as words of `format`; the two bytes of each 16 bits are swapped where
// `swapped`.
// REQUIRES: bytes hold rows x columns words.
std::vector<uint16_t> NativeWords(absl::string_view bytes, const PixelFormat& format, bool swapped);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_FRAME_DECODER_H_
