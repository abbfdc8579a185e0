#include "preprocess/dicom/jpeg_frame_header.h"

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

}  // namespace

std::optional<JpegFrameHeader> ReadJpegFrameHeader(absl::string_view bytes) {
  const auto byte = [&](size_t i) {
    return static_cast<int>(static_cast<unsigned char>(bytes[i]));
  };
  const auto word = [&](size_t i) { return byte(i) << 8 | byte(i + 1); };
  size_t at = 0;
  while (at + 4 <= bytes.size() && byte(at) == 0xff) {
    const int marker = byte(at + 1);
    if (marker == kFill) {
      ++at;
      continue;
    }
    if (marker == kStartOfImage) {
      at += 2;
      continue;
    }
    if (marker == kStartOfScan) return std::nullopt;
    const size_t length = static_cast<size_t>(word(at + 2));
    if (IsFrameHeader(marker)) {
      if (length < 8 || at + 10 > bytes.size()) return std::nullopt;
      return JpegFrameHeader{.process = ProcessOf(marker),
                             .precision = byte(at + 4),
                             .rows = word(at + 5),
                             .columns = word(at + 7),
                             .components = byte(at + 9)};
    }
    if (length < 2) return std::nullopt;
    at += 2 + length;
  }
  return std::nullopt;
}

}  // namespace m3lung
