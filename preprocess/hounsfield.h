// SPDX-License-Identifier: Apache-2.0
// Stored pixel words to Hounsfield units; knows no DICOM library.
#ifndef M3LUNG_PREPROCESS_HOUNSFIELD_H_
#define M3LUNG_PREPROCESS_HOUNSFIELD_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// How a stored word holds a pixel's value.
// REQUIRES: bits_allocated is 8 or 16; 1 <= bits_stored <= high_bit + 1 <= bits_allocated.
struct PixelFormat {
  int rows = 0;
  int columns = 0;
  int bits_allocated = 16;
  int bits_stored = 16;
  int high_bit = 15;
  bool is_signed = false;
};

// The value that `word` holds: the bits from high_bit downwards, sign-extended
// where the format is signed. Bits outside them are ignored.
int StoredValue(const PixelFormat& format, uint16_t word);

// Words that stand for "outside the field of view": between the two, in either
// order, both included. As in the data set, so not shifted by high_bit.
struct PixelPadding {
  uint16_t first = 0;
  uint16_t last = 0;
};

struct Rescale {
  double slope = 1;
  double intercept = 0;
};

// `words`, row by row, as Hounsfield units: slope * value + intercept, rounded
// half to even, kept within int16; kAirHu where a word is padding. A padding
// value that fits the stored bits is compared with the stored value, any other
// with the whole word. rows x columns, CV_16SC1.
// REQUIRES: words.size() == rows * columns; slope and intercept are finite.
cv::Mat ToHounsfield(const PixelFormat& format, const Rescale& rescale,
                     const std::optional<PixelPadding>& padding, absl::Span<const uint16_t> words);

// The same for words of 16 bits that lie in `bytes`, the low byte first; what is
// behind them is not looked at.
// REQUIRES: format.bits_allocated == 16; bytes hold rows * columns words.
cv::Mat ToHounsfieldFromBytes(const PixelFormat& format, const Rescale& rescale,
                              const std::optional<PixelPadding>& padding, absl::string_view bytes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_HOUNSFIELD_H_
