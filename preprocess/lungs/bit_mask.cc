// SPDX-License-Identifier: Apache-2.0
#include "preprocess/lungs/bit_mask.h"

#include <algorithm>
#include <bit>

#include "opencv2/core/hal/intrin.hpp"

namespace m3lung {
namespace {

constexpr int kWordBits = 64;
constexpr uint64_t kAllSet = ~uint64_t{0};

// The 64 pixels at `hu` that are below the limit.
uint64_t WordBelow(const int16_t* hu, int16_t limit_hu) {
  constexpr int kLanes = cv::v_int16x8::nlanes;
  const cv::v_int16x8 limit = cv::v_setall_s16(limit_hu);
  uint64_t word = 0;
  for (int i = 0; i < kWordBits; i += 2 * kLanes) {
    // A comparison gives -1 or 0 in each lane; a lane's sign becomes its bit.
    const cv::v_int16x8 first = cv::v_load(hu + i) < limit;
    const cv::v_int16x8 second = cv::v_load(hu + i + kLanes) < limit;
    word |= static_cast<uint64_t>(cv::v_signmask(cv::v_pack(first, second))) << i;
  }
  return word;
}

// The first column from `from` on whose bit is set once `flip` is applied to each
// word; not below `columns` where none is.
int Find(const uint64_t* row, int words, int from, int columns, uint64_t flip) {
  int word = from / kWordBits;
  if (word >= words) return columns;
  uint64_t bits = (row[word] ^ flip) & (kAllSet << (from % kWordBits));
  while (bits == 0) {
    if (++word == words) return columns;
    bits = row[word] ^ flip;
  }
  return word * kWordBits + std::countr_zero(bits);
}

// Each row of the result combines the rows that the element covers when its anchor
// is there: an erosion with "and", a dilation with "or".
template <typename Combine>
BitMask CombineRows(const BitMask& mask, int height, Combine combine) {
  const int words_per_row = mask.words_per_row();
  // Rows past an end repeat that end's row. It is covered there anyway, and saying it
  // twice changes neither "and" nor "or".
  std::vector<uint64_t> words(size_t(mask.rows() + height - 1) * words_per_row);
  for (int i = 0; i < mask.rows() + height - 1; ++i) {
    std::copy_n(mask.Row(std::clamp(i - height / 2, 0, mask.rows() - 1)), words_per_row,
                words.data() + size_t(i) * words_per_row);
  }
  // Each round doubles how many rows a row stands for, itself and those below.
  size_t count = words.size();
  for (int covered = 1; covered < height;) {
    const int step = std::min(covered, height - covered);
    const size_t distance = size_t(step) * words_per_row;
    count -= distance;
    for (size_t i = 0; i < count; ++i) words[i] = combine(words[i], words[i + distance]);
    covered += step;
  }
  BitMask combined(mask.rows(), mask.columns());
  std::copy_n(words.data(), count, combined.Row(0));
  return combined;
}

}  // namespace

BitMask::BitMask(int rows, int columns)
    : rows_(rows),
      columns_(columns),
      words_per_row_((columns + kWordBits - 1) / kWordBits),
      words_(size_t(rows) * words_per_row_) {}

BitMask BitMask::Below(const cv::Mat& hu, int16_t limit_hu) {
  BitMask mask(hu.rows, hu.cols);
  for (int y = 0; y < hu.rows; ++y) {
    const int16_t* in = hu.ptr<int16_t>(y);
    uint64_t* out = mask.Row(y);
    int x = 0;
    for (; x + kWordBits <= hu.cols; x += kWordBits) {
      out[x / kWordBits] = WordBelow(in + x, limit_hu);
    }
    for (; x < hu.cols; ++x) out[x / kWordBits] |= uint64_t{in[x] < limit_hu} << (x % kWordBits);
  }
  return mask;
}

int BitMask::FindSet(int y, int from) const {
  return Find(Row(y), words_per_row_, from, columns_, /*flip=*/0);
}

int BitMask::FindClear(int y, int from) const {
  // The bits past the last column count as clear, so the first of them may be found.
  return std::min(Find(Row(y), words_per_row_, from, columns_, kAllSet), columns_);
}

void BitMask::Clear(int y, int begin, int end) {
  uint64_t* row = Row(y);
  const int first = begin / kWordBits, last = (end - 1) / kWordBits;
  for (int word = first; word <= last; ++word) {
    uint64_t bits = kAllSet;
    if (word == first) bits &= kAllSet << (begin % kWordBits);
    if (word == last) bits &= kAllSet >> (kWordBits - 1 - (end - 1) % kWordBits);
    row[word] &= ~bits;
  }
}

cv::Rect BitMask::Bounds() const {
  int top = rows_, bottom = -1;
  std::vector<uint64_t> any(words_per_row_);  // the rows laid over one another
  for (int y = 0; y < rows_; ++y) {
    const uint64_t* row = Row(y);
    uint64_t set = 0;
    for (int word = 0; word < words_per_row_; ++word) {
      set |= row[word];
      any[word] |= row[word];
    }
    if (set == 0) continue;
    top = std::min(top, y);
    bottom = y;
  }
  if (bottom < 0) return {};
  const int left = Find(any.data(), words_per_row_, 0, columns_, /*flip=*/0);
  int last = words_per_row_ - 1;
  while (any[last] == 0) --last;
  const int right = last * kWordBits + kWordBits - std::countl_zero(any[last]);
  return {left, top, right - left, bottom + 1 - top};
}

cv::Mat BitMask::Unpack() const {
  cv::Mat mask(rows_, columns_, CV_8UC1);
  for (int y = 0; y < rows_; ++y) {
    const uint64_t* row = Row(y);
    uchar* out = mask.ptr<uchar>(y);
    for (int x = 0; x < columns_; ++x) {
      out[x] = (row[x / kWordBits] >> (x % kWordBits) & 1) != 0 ? 255 : 0;
    }
  }
  return mask;
}

BitMask OpenColumns(const BitMask& mask, int height) {
  const BitMask eroded = CombineRows(mask, height, [](uint64_t a, uint64_t b) { return a & b; });
  return CombineRows(eroded, height, [](uint64_t a, uint64_t b) { return a | b; });
}

}  // namespace m3lung
