// SPDX-License-Identifier: Apache-2.0
#include "preprocess/hounsfield.h"

#include <algorithm>
#include <array>
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

// The Hounsfield units of every word there can be.
using HuTable = std::vector<int16_t>;

HuTable MakeTable(const PixelFormat& format, const Rescale& rescale,
                  const std::optional<PixelPadding>& padding) {
  const PaddingRange range = padding.has_value() ? RangeOf(format, *padding) : PaddingRange{};
  HuTable table(size_t{1} << format.bits_allocated);
  for (size_t i = 0; i < table.size(); ++i) {
    const auto word = static_cast<uint16_t>(i);
    const int value = StoredValue(format, word);
    const int compared = range.whole_words ? WholeWord(format, word) : value;
    const bool is_padding = range.low <= compared && compared <= range.high;
    table[i] = is_padding ? static_cast<int16_t>(kAirHu)
                          : RoundHalfToEven(rescale.slope * value + rescale.intercept);
  }
  return table;
}

// The tables that this thread used last: to make one takes longer than to use it,
// and the slices of a series ask for few.
const HuTable& TableFor(const PixelFormat& format, const Rescale& rescale,
                        const std::optional<PixelPadding>& padding) {
  using Key = std::array<double, 9>;
  struct Entry {
    Key key;
    HuTable table;
  };
  constexpr size_t kTables = 4;
  thread_local std::vector<Entry> tables;
  const PixelPadding values = padding.value_or(PixelPadding());
  const Key key = {double(format.bits_allocated),
                   double(format.bits_stored),
                   double(format.high_bit),
                   double(format.is_signed),
                   rescale.slope,
                   rescale.intercept,
                   double(padding.has_value()),
                   double(values.first),
                   double(values.last)};
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  if (found != tables.end()) {
    std::rotate(tables.begin(), found, found + 1);
  } else {
    if (tables.size() == kTables) tables.pop_back();
    tables.insert(tables.begin(), Entry{key, MakeTable(format, rescale, padding)});
  }
  return tables.front().table;
}

}  // namespace

int StoredValue(const PixelFormat& format, uint16_t word) {
  const uint32_t bits =
      (uint32_t{word} >> (format.high_bit + 1 - format.bits_stored)) & LowBits(format.bits_stored);
  return format.is_signed ? SignExtend(bits, format.bits_stored) : static_cast<int>(bits);
}

cv::Mat ToHounsfield(const PixelFormat& format, const Rescale& rescale,
                     const std::optional<PixelPadding>& padding, absl::Span<const uint16_t> words) {
  const HuTable& table = TableFor(format, rescale, padding);
  cv::Mat hu(format.rows, format.columns, CV_16SC1);
  int16_t* out = hu.ptr<int16_t>();
  const uint32_t mask = LowBits(format.bits_allocated);
  for (size_t i = 0; i < words.size(); ++i) out[i] = table[words[i] & mask];
  return hu;
}

cv::Mat ToHounsfieldFromBytes(const PixelFormat& format, const Rescale& rescale,
                              const std::optional<PixelPadding>& padding, absl::string_view bytes) {
  const HuTable& table = TableFor(format, rescale, padding);
  cv::Mat hu(format.rows, format.columns, CV_16SC1);
  int16_t* out = hu.ptr<int16_t>();
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  const size_t count = hu.total();
  for (size_t i = 0; i < count; ++i) {
    out[i] = table[static_cast<size_t>(in[2 * i] | in[2 * i + 1] << 8)];
  }
  return hu;
}

}  // namespace m3lung
