// SPDX-License-Identifier: Apache-2.0
// What a JPEG 2000 codestream (HTJ2K too) says of itself and asks of a decoder.
#ifndef M3LUNG_PREPROCESS_DICOM_JPEG2000_HEADER_H_
#define M3LUNG_PREPROCESS_DICOM_JPEG2000_HEADER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

struct Jpeg2000Header {
  int64_t rows = 0;
  int64_t columns = 0;
  int components = 0;
  int precision = 0;  // bits a sample of the first component
  bool is_signed = false;
  bool subsampled = false;  // of any component
  bool reversible = true;   // the wavelet transform of every tile
  // What a decoder keeps a record of, over all tiles and resolution levels.
  int64_t tiles = 0;
  int64_t code_blocks = 0;
  int64_t precincts = 0;
  int64_t packets = 0;
};

// The codestream in `bytes`: all of them, or what a JP2 file wraps.
absl::string_view Jpeg2000Codestream(absl::string_view bytes);

// Reads the main header and the headers of all tile-parts; an error where they
// contradict themselves. Takes no memory, and time in the length of the headers.
absl::StatusOr<Jpeg2000Header> ReadJpeg2000Header(absl::string_view codestream);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_JPEG2000_HEADER_H_
