// SPDX-License-Identifier: Apache-2.0
// What stands before the scan of a JPEG or JPEG-LS stream.
#ifndef M3LUNG_PREPROCESS_DICOM_JPEG_FRAME_HEADER_H_
#define M3LUNG_PREPROCESS_DICOM_JPEG_FRAME_HEADER_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace m3lung {

enum class JpegProcess {
  kOther,       // progressive, hierarchical, arithmetic
  kSequential,  // Huffman-coded baseline and extended (SOF0, SOF1)
  kLossless,    // Huffman-coded lossless (SOF3)
  kLs,          // JPEG-LS (SOF55)
};

struct JpegFrameHeader {
  JpegProcess process = JpegProcess::kOther;
  int precision = 0;  // bits a sample
  int rows = 0;
  int columns = 0;
  int components = 0;
  // The greatest symbol of the Huffman tables that code differences (class 0): how
  // many bits a difference may have. At most 255; 0 where there is no such table.
  int difference_bits = 0;
};

// Reads the marker segments before the scan; nothing where there is no frame header
// among them.
std::optional<JpegFrameHeader> ReadJpegFrameHeader(absl::string_view bytes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_JPEG_FRAME_HEADER_H_
