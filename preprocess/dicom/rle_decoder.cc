// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/rle_decoder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

constexpr size_t kHeaderBytes = 64;

absl::Status MalformedRle(absl::string_view detail) {
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat("the RLE code in PixelData ", detail, "; resend the instance"));
}

size_t HeaderWord(absl::string_view frame, size_t index) {
  size_t word = 0;
  for (int byte = 3; byte >= 0; --byte) {
    word = word << 8 | static_cast<unsigned char>(frame[4 * index + byte]);
  }
  return word;
}

// Unpacks one segment's bytes into the `shift`ed byte of each word.
absl::Status UnpackSegment(absl::string_view segment, int shift, std::vector<uint16_t>& words) {
  size_t filled = 0;
  size_t at = 0;
  while (filled < words.size()) {
    if (at + 1 >= segment.size()) {
      return MalformedRle(
          absl::StrCat("yields ", filled, " of a segment's ", words.size(), " bytes"));
    }
    const int byte = static_cast<unsigned char>(segment[at++]);
    const int control = byte < 128 ? byte : byte - 256;  // in two's complement
    if (control == -128) continue;                       // says nothing
    const size_t run = control < 0 ? 1 - control : 1 + control;
    const size_t taken = std::min(run, words.size() - filled);
    if (control < 0) {
      const auto value = static_cast<uint16_t>(static_cast<unsigned char>(segment[at++]) << shift);
      for (size_t i = 0; i < taken; ++i) words[filled + i] |= value;
    } else {
      if (taken > segment.size() - at) {
        return MalformedRle(
            absl::StrCat("yields ", filled, " of a segment's ", words.size(), " bytes"));
      }
      for (size_t i = 0; i < taken; ++i) {
        words[filled + i] |=
            static_cast<uint16_t>(static_cast<unsigned char>(segment[at + i]) << shift);
      }
      at += run;
    }
    filled += taken;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<uint16_t>> DecodeRle(absl::string_view frame, size_t count,
                                                int sample_bits) {
  if (frame.size() < kHeaderBytes) return MalformedRle("ends within its header");
  const size_t segments = static_cast<size_t>(sample_bits) / 8;
  if (HeaderWord(frame, 0) != segments) {
    return MalformedRle(absl::StrCat("has ", HeaderWord(frame, 0), " segments where samples of ",
                                     sample_bits, " bits have ", segments));
  }
  // The most that bytes can stand for, before memory is set aside for it.
  if (count / 64 > frame.size()) return MalformedRle("is too short for its image");
  std::vector<uint16_t> words(count);
  for (size_t i = 0; i < segments; ++i) {
    const size_t start = HeaderWord(frame, 1 + i);
    const size_t end = i + 1 < segments ? HeaderWord(frame, 2 + i) : frame.size();
    if (start < kHeaderBytes || start >= end || end > frame.size()) {
      return MalformedRle("has a segment that lies outside of it");
    }
    // The first segment holds the most significant byte.
    M3L_RETURN_IF_ERROR(UnpackSegment(frame.substr(start, end - start),
                                      8 * static_cast<int>(segments - 1 - i), words));
  }
  return words;
}

}  // namespace m3lung
