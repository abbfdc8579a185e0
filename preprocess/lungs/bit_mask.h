// SPDX-License-Identifier: Apache-2.0
// A mask of an image's pixels as rows of bits, 64 pixels a word, so that the steps
// of the lung crop touch a sixty-fourth of what a byte a pixel would take.
#ifndef M3LUNG_PREPROCESS_LUNGS_BIT_MASK_H_
#define M3LUNG_PREPROCESS_LUNGS_BIT_MASK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "opencv2/core/mat.hpp"

namespace m3lung {

// Thread safety: as a standard container.
class BitMask {
 public:
  // All clear. REQUIRES: rows >= 1, columns >= 1.
  BitMask(int rows, int columns);
  // The pixels of `hu` (CV_16SC1, not empty) below `limit_hu`.
  static BitMask Below(const cv::Mat& hu, int16_t limit_hu);

  int rows() const { return rows_; }
  int columns() const { return columns_; }

  // Column x is bit x % 64 of word x / 64. Whoever writes leaves the bits past the
  // last column clear.
  int words_per_row() const { return words_per_row_; }
  uint64_t* Row(int y) { return words_.data() + size_t(y) * words_per_row_; }
  const uint64_t* Row(int y) const { return words_.data() + size_t(y) * words_per_row_; }

  // The first column from `from` on that is set (or clear); columns() where none is.
  int FindSet(int y, int from) const;
  int FindClear(int y, int from) const;
  // REQUIRES: 0 <= begin < end <= columns().
  void Clear(int y, int begin, int end);

  // The smallest box around all that is set; empty where nothing is.
  cv::Rect Bounds() const;
  // rows x columns, CV_8UC1: 255 where set, 0 elsewhere.
  cv::Mat Unpack() const;

 private:
  int rows_;
  int columns_;
  int words_per_row_;
  std::vector<uint64_t> words_;
};

// The morphological opening with an element of 1 column and `height` rows, as
// OpenCV's cv::morphologyEx makes it with its default anchor and border: rows
// outside the image take no part, and the anchor is row `height` / 2, so that with
// an even height what is kept moves down by a row. REQUIRES: height >= 1.
BitMask OpenColumns(const BitMask& mask, int height);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_BIT_MASK_H_
