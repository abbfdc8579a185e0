// SPDX-License-Identifier: Apache-2.0
#include "preprocess/hounsfield.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

using ::testing::ElementsAre;

std::vector<int16_t> Convert(PixelFormat format, const Rescale& rescale,
                             const std::optional<PixelPadding>& padding,
                             const std::vector<uint16_t>& words) {
  format.rows = 1;
  format.columns = static_cast<int>(words.size());
  const cv::Mat hu = ToHounsfield(format, rescale, padding, words);
  return {hu.begin<int16_t>(), hu.end<int16_t>()};
}

constexpr PixelFormat kSigned16 = {.is_signed = true};
constexpr PixelFormat kSigned12 = {.bits_stored = 12, .high_bit = 11, .is_signed = true};
constexpr PixelFormat kUnsigned12 = {.bits_stored = 12, .high_bit = 11};

TEST(StoredValueTest, ExtendsTheSignFromTheStoredBitsAlone) {
  EXPECT_EQ(StoredValue(kSigned12, 0x0fff), -1);
  EXPECT_EQ(StoredValue(kSigned12, 0x0800), -2048);
  EXPECT_EQ(StoredValue(kSigned12, 0x07ff), 2047);
  EXPECT_EQ(StoredValue(kSigned12, 0xf7ff), 2047);  // an overlay's bits above
  EXPECT_EQ(StoredValue(kUnsigned12, 0xffff), 4095);
  EXPECT_EQ(StoredValue(kSigned16, 0x8000), -32768);
}

TEST(StoredValueTest, ShiftsByHighBit) {
  const PixelFormat left = {.bits_stored = 12, .high_bit = 15, .is_signed = true};
  EXPECT_EQ(StoredValue(left, 0xffff), -1);
  EXPECT_EQ(StoredValue(left, 0x7ff0), 2047);
  EXPECT_EQ(StoredValue(left, 0x001f), 1);
}

TEST(ToHounsfieldTest, RoundsHalfToEven) {
  EXPECT_THAT(Convert(kSigned16, {.slope = 0.5}, {}, {1, 3, 5, 0xffff, 0xfffd}),
              ElementsAre(0, 2, 2, 0, -2));
}

TEST(ToHounsfieldTest, KeepsFractionsOfSlopeUntilTheEnd) {
  EXPECT_THAT(Convert(kUnsigned12, {.slope = 2.0002442, .intercept = -4047}, {}, {0, 2000, 4095}),
              ElementsAre(-4047, -47, 4144));
}

TEST(ToHounsfieldTest, SaturatesAtBothEnds) {
  EXPECT_THAT(Convert(kSigned16, {.slope = 1e6}, {}, {0x7fff, 0x8000}), ElementsAre(32767, -32768));
  EXPECT_THAT(Convert(kUnsigned12, {.intercept = 1e12}, {}, {0}), ElementsAre(32767));
}

TEST(ToHounsfieldTest, PaddingIsAirWhateverTheRescale) {
  EXPECT_THAT(
      Convert(kSigned16, {.intercept = -1024}, PixelPadding{0xf830, 0xf830}, {0xf830, 0xf831}),
      ElementsAre(-1000, -2000 + 1 - 1024));
}

TEST(ToHounsfieldTest, PaddingRangeIncludesBothEndsInEitherOrder) {
  for (const PixelPadding range : {PixelPadding{3, 5}, PixelPadding{5, 3}}) {
    EXPECT_THAT(Convert(kUnsigned12, {}, range, {2, 3, 4, 5, 6}),
                ElementsAre(2, -1000, -1000, -1000, 6));
  }
}

TEST(ToHounsfieldTest, PaddingMatchesWhetherOrNotTheSignIsContinuedAboveTheStoredBits) {
  for (const uint16_t padding : {uint16_t{0xf830}, uint16_t{0x0830}}) {
    EXPECT_THAT(Convert(kSigned12, {}, PixelPadding{padding, padding}, {0xf830, 0x0830, 0x0030}),
                ElementsAre(-1000, -1000, 48));
  }
}

TEST(ToHounsfieldTest, PaddingBeyondTheStoredBitsIsComparedWithTheWholeWord) {
  // 0x8000 has no stored bit set; the pixel 0 must stay.
  EXPECT_THAT(Convert(kUnsigned12, {.intercept = -1024}, PixelPadding{0x8000, 0x8000}, {0x8000, 0}),
              ElementsAre(-1000, -1024));
}

TEST(ToHounsfieldTest, EightBitWordsIgnoreTheUpperByte) {
  const PixelFormat format = {
      .bits_allocated = 8, .bits_stored = 8, .high_bit = 7, .is_signed = true};
  EXPECT_THAT(Convert(format, {}, {}, {0x00ff, 0x1280}), ElementsAre(-1, -128));
}

}  // namespace
}  // namespace m3lung
