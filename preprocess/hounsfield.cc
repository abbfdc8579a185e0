#include "preprocess/hounsfield.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "preprocess/hu_slice.h"

namespace m3lung {
namespace {

int SignExtend(uint32_t bits, int count) {
  const uint32_t sign = 1u << (count - 1);
  return static_cast<int>(bits ^ sign) - static_cast<int>(sign);
}

uint32_t LowBits(int count) { return (1u << count) - 1; }

// The word with all its allocated bits taken for the value.
int WholeWord(const PixelFormat& format, uint16_t word) {
  const uint32_t bits = word & LowBits(format.bits_allocated);
  return format.is_signed ? SignExtend(bits, format.bits_allocated) : static_cast<int>(bits);
}

// Whether the stored bits hold all of a padding word: what lies above them is
// zero, or the continuation of the sign.
bool FitsStoredBits(const PixelFormat& format, uint16_t word) {
  const uint32_t bits = word & LowBits(format.bits_allocated);
  const uint32_t stored = bits & LowBits(format.bits_stored);
  if (bits == stored) return true;
  return format.is_signed && WholeWord(format, word) == SignExtend(stored, format.bits_stored);
}

// The whole words or stored values that are padding.
struct PaddingRange {
  bool whole_words = false;
  int low = 0;
  int high = -1;  // below low: none
};

PaddingRange RangeOf(const PixelFormat& format, const PixelPadding& padding) {
  PaddingRange range;
  range.whole_words =
      !FitsStoredBits(format, padding.first) || !FitsStoredBits(format, padding.last);
  const auto value = [&](uint16_t word) {
    if (range.whole_words) return WholeWord(format, word);
    const uint32_t bits = word & LowBits(format.bits_stored);
    return format.is_signed ? SignExtend(bits, format.bits_stored) : static_cast<int>(bits);
  };
  range.low = std::min(value(padding.first), value(padding.last));
  range.high = std::max(value(padding.first), value(padding.last));
  return range;
}

int16_t RoundHalfToEven(double hu) {
  constexpr double kMin = std::numeric_limits<int16_t>::min();
  constexpr double kMax = std::numeric_limits<int16_t>::max();
  // The default rounding mode is to nearest, ties to even.
  return static_cast<int16_t>(std::nearbyint(std::clamp(hu, kMin, kMax)));
}

}  // namespace

int StoredValue(const PixelFormat& format, uint16_t word) {
  const uint32_t bits =
      (uint32_t{word} >> (format.high_bit + 1 - format.bits_stored)) & LowBits(format.bits_stored);
  return format.is_signed ? SignExtend(bits, format.bits_stored) : static_cast<int>(bits);
}

cv::Mat ToHounsfield(const PixelFormat& format, const Rescale& rescale,
                     const std::optional<PixelPadding>& padding, absl::Span<const uint16_t> words) {
  const PaddingRange range = padding.has_value() ? RangeOf(format, *padding) : PaddingRange{};
  const auto hu_of = [&](uint16_t word) {
    const int value = StoredValue(format, word);
    const int compared = range.whole_words ? WholeWord(format, word) : value;
    if (range.low <= compared && compared <= range.high) return static_cast<int16_t>(kAirHu);
    return RoundHalfToEven(rescale.slope * value + rescale.intercept);
  };
  // A word is at most 16 bits, so a table is smaller than a usual slice.
  std::vector<int16_t> table(size_t{1} << format.bits_allocated);
  for (size_t word = 0; word < table.size(); ++word) {
    table[word] = hu_of(static_cast<uint16_t>(word));
  }
  cv::Mat hu(format.rows, format.columns, CV_16SC1);
  int16_t* out = hu.ptr<int16_t>();
  const uint32_t mask = LowBits(format.bits_allocated);
  for (size_t i = 0; i < words.size(); ++i) out[i] = table[words[i] & mask];
  return hu;
}

}  // namespace m3lung
