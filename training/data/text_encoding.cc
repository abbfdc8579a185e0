// SPDX-License-Identifier: Apache-2.0
#include "training/data/text_encoding.h"

#include <cstdint>

#include "absl/strings/strip.h"

namespace m3lung {
namespace {

constexpr uint32_t kFirstHigh = 0xd800, kFirstLow = 0xdc00, kAfterLow = 0xe000;

void AppendUtf8(uint32_t point, std::string& utf8) {
  const auto tail = [&](int shift) { utf8 += static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    utf8 += static_cast<char>(point);
  } else if (point < 0x800) {
    utf8 += static_cast<char>(0xc0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    utf8 += static_cast<char>(0xe0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    utf8 += static_cast<char>(0xf0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

absl::StatusOr<std::string> FromUtf16(absl::string_view bytes, bool big_endian) {
  const auto unit = [&](size_t i) -> uint32_t {
    const uint32_t first = static_cast<uint8_t>(bytes[i]);
    const uint32_t second = static_cast<uint8_t>(bytes[i + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  const absl::Status broken =
      absl::InvalidArgumentError("the text is marked as UTF-16 and is not; save it as UTF-8");
  if (bytes.size() % 2 != 0) return broken;
  std::string utf8;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    uint32_t point = unit(i);
    if (point >= kFirstHigh && point < kAfterLow) {  // one of a pair
      const uint32_t low = i + 2 < bytes.size() ? unit(i + 2) : 0;
      if (point >= kFirstLow || low < kFirstLow || low >= kAfterLow) return broken;
      point = 0x10000 + ((point - kFirstHigh) << 10) + (low - kFirstLow);
      i += 2;
    }
    AppendUtf8(point, utf8);
  }
  return utf8;
}

}  // namespace

absl::StatusOr<std::string> ToUtf8(absl::string_view text) {
  absl::StatusOr<std::string> utf8;
  if (absl::ConsumePrefix(&text, "\xff\xfe")) {
    utf8 = FromUtf16(text, /*big_endian=*/false);
  } else if (absl::ConsumePrefix(&text, "\xfe\xff")) {
    utf8 = FromUtf16(text, /*big_endian=*/true);
  } else {
    absl::ConsumePrefix(&text, "\xef\xbb\xbf");
    utf8 = std::string(text);
  }
  if (utf8.ok() && utf8->find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        "the file holds bytes of value 0: it is no text, or is in UTF-16 without a byte order "
        "mark; save it as UTF-8");
  }
  return utf8;
}

}  // namespace m3lung
