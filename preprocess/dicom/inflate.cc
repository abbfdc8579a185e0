// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace m3lung {
namespace {

constexpr size_t kStepBytes = 64 << 10;

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

Inflated Inflate(absl::string_view deflated, int64_t max_bytes) {
  Inflated result;
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    result.end = InflateEnd::kDamaged;
    return result;
  }
  const std::unique_ptr<z_stream, EndInflate> ender(&stream);
  const auto* next = reinterpret_cast<const Bytef*>(deflated.data());
  size_t left = deflated.size();
  int code = Z_OK;
  size_t filled = 0;
  while (code == Z_OK) {
    if (static_cast<int64_t>(filled) >= max_bytes) {
      result.end = InflateEnd::kTooLarge;
      break;
    }
    if (stream.avail_in == 0) {
      const size_t step = std::min<size_t>(left, std::numeric_limits<uInt>::max());
      stream.next_in = const_cast<Bytef*>(next);  // zlib does not write to it
      stream.avail_in = static_cast<uInt>(step);
      next += step;
      left -= step;
    }
    // Grows by a half at a time, so that little is copied and little is unused.
    const size_t room =
        std::min<size_t>(std::max(kStepBytes, filled / 2), static_cast<size_t>(max_bytes) - filled);
    result.bytes.resize(filled + room);
    stream.next_out = reinterpret_cast<Bytef*>(result.bytes.data() + filled);
    stream.avail_out = static_cast<uInt>(std::min<size_t>(room, std::numeric_limits<uInt>::max()));
    const uInt offered = stream.avail_out;
    code = inflate(&stream, Z_NO_FLUSH);
    filled += offered - stream.avail_out;
    // Z_BUF_ERROR: no progress, for want of input.
    if (code == Z_OK && stream.avail_in == 0 && left == 0 && stream.avail_out > 0) {
      code = Z_BUF_ERROR;
    }
  }
  result.bytes.resize(filled);
  if (code == Z_BUF_ERROR) result.end = InflateEnd::kTruncated;
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
    result.end = InflateEnd::kDamaged;
  }
  return result;
}

}  // namespace m3lung
