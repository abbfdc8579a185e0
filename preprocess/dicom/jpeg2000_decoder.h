// SPDX-License-Identifier: Apache-2.0
// JPEG 2000 and HTJ2K by OpenJPEG: the only code that sees it.
#ifndef M3LUNG_PREPROCESS_DICOM_JPEG2000_DECODER_H_
#define M3LUNG_PREPROCESS_DICOM_JPEG2000_DECODER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

struct Jpeg2000Image {
  // Row by row, the low `precision` bits of each sample, which tell its sign too.
  std::vector<uint16_t> words;
  int precision = 0;
  bool lossless = false;  // by the wavelet transform that was used
};

// Decodes one image of one component. The codestream's size and what it asks of a
// decoder are checked before anything is set aside; nothing is printed and no
// thread is started. A SkipError() where it is not of `rows` x `columns`, has over
// 16 bits a sample, or ends early.
absl::StatusOr<Jpeg2000Image> DecodeJpeg2000(absl::string_view bytes, int rows, int columns);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_JPEG2000_DECODER_H_
