// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/jpeg_frame_header.h"

#include <algorithm>
#include <cstddef>

namespace m3lung {
namespace {

constexpr int kStartOfImage = 0xd8;
constexpr int kStartOfScan = 0xda;
constexpr int kFill = 0xff;

// SOF0 to SOF15 but for the three other markers in that range, and JPEG-LS's.
bool IsFrameHeader(int marker) {
  if (marker == 0xf7) return true;
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

JpegProcess ProcessOf(int marker) {
  if (marker == 0xc0 || marker == 0xc1) return JpegProcess::kSequential;
  if (marker == 0xc3) return JpegProcess::kLossless;
  if (marker == 0xf7) return JpegProcess::kLs;
  return JpegProcess::kOther;
}

constexpr int kHuffmanTables = 0xc4;

// Reads big-endian numbers; the caller keeps within the bytes.
class Bytes {
 public:
  explicit Bytes(absl::string_view bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size(); }
  int Byte(size_t i) const { return static_cast<unsigned char>(bytes_[i]); }
  int Word(size_t i) const { return Byte(i) << 8 | Byte(i + 1); }

 private:
  const absl::string_view bytes_;
};

// The greatest symbol of the tables of class 0 in the segment [at, end); what does
// not fit the segment is left to the decoder, which refuses it.
int GreatestDifferenceSymbol(const Bytes& bytes, size_t at, size_t end) {
  constexpr size_t kLengths = 16;
  int greatest = 0;
  while (at + 1 + kLengths <= end) {
    const bool is_class_0 = (bytes.Byte(at) & 0x10) == 0;
    size_t symbols = 0;
    for (size_t i = 1; i <= kLengths; ++i) symbols += static_cast<size_t>(bytes.Byte(at + i));
    at += 1 + kLengths;
    const size_t last = std::min(at + symbols, end);
    for (; at < last; ++at) {
      if (is_class_0) greatest = std::max(greatest, bytes.Byte(at));
    }
  }
  return greatest;
}

}  // namespace

std::optional<JpegFrameHeader> ReadJpegFrameHeader(absl::string_view stream) {
  const Bytes bytes(stream);
  std::optional<JpegFrameHeader> header;
  int difference_bits = 0;
  size_t at = 0;
  while (at + 4 <= bytes.size()) {
    const int marker = bytes.Byte(at + 1);
    // Decoders skip what stands between segments, so that a table behind it counts.
    if (bytes.Byte(at) != kFill || marker == kFill || marker == 0) {
      if (!header.has_value() && bytes.Byte(at) != kFill) return std::nullopt;
      ++at;
      continue;
    }
    if (marker == kStartOfImage) {
      at += 2;
      continue;
    }
    if (marker == kStartOfScan) break;
    const auto length = static_cast<size_t>(bytes.Word(at + 2));
    if (IsFrameHeader(marker) && !header.has_value()) {
      if (length < 8 || at + 10 > bytes.size()) return std::nullopt;
      header = {.process = ProcessOf(marker),
                .precision = bytes.Byte(at + 4),
                .rows = bytes.Word(at + 5),
                .columns = bytes.Word(at + 7),
                .components = bytes.Byte(at + 9)};
    }
    if (length < 2) break;
    if (marker == kHuffmanTables) {
      const size_t end = std::min(at + 2 + length, bytes.size());
      difference_bits = std::max(difference_bits, GreatestDifferenceSymbol(bytes, at + 4, end));
    }
    at += 2 + length;
  }
  if (header.has_value()) header->difference_bits = difference_bits;
  return header;
}

}  // namespace m3lung
