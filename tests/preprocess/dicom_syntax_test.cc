// SPDX-License-Identifier: Apache-2.0
// Every way of storing a pixel that is decoded, against arithmetic.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "preprocess/dicom_decoder.h"
#include "tests/testing/status_matchers.h"
#include "training/cohort/dicom_writer.h"

namespace m3lung {
namespace {

using Case = std::tuple<DicomSyntax, bool, int, double>;

class DicomSyntaxTest : public ::testing::TestWithParam<Case> {};

TEST_P(DicomSyntaxTest, DecodesToTheRoundedRescale) {
  const auto [syntax, is_signed, bits, slope] = GetParam();
  const double intercept = is_signed ? 0.25 : -1024;
  // Hounsfield units over all of the range that both the stored bits and int16
  // can hold, so that the sign bit and the highest bit occur.
  const double low = is_signed ? -std::exp2(bits - 1) : 0;
  const double high = low + std::exp2(bits) - 1;
  const double lowest = std::max(-32768.0, std::ceil(slope * low + intercept));
  const double highest = std::min(32767.0, std::floor(slope * high + intercept));
  HuSlice slice;
  slice.hu.create(32, 40, CV_16SC1);
  cv::Mat expected(slice.hu.size(), CV_16SC1);
  const int pixels = static_cast<int>(slice.hu.total());
  for (int i = 0; i < pixels; ++i) {
    const double hu = std::nearbyint(lowest + (highest - lowest) * i / (pixels - 1));
    const double stored = std::nearbyint((hu - intercept) / slope);
    slice.hu.ptr<int16_t>()[i] = static_cast<int16_t>(hu);
    expected.ptr<int16_t>()[i] = static_cast<int16_t>(
        std::clamp(std::nearbyint(slope * stored + intercept), -32768.0, 32767.0));
  }
  slice.geometry = {.position = {-100, -90, 12.5},
                    .row_direction = {1, 0, 0},
                    .column_direction = {0, 1, 0},
                    .row_spacing_mm = 0.7,
                    .column_spacing_mm = 0.65};
  slice.sop_instance_uid = "1.2.3.4";
  slice.series_instance_uid = "1.2.3";
  M3L_ASSERT_OK_AND_ASSIGN(const std::string bytes, EncodeDicom(slice, {.syntax = syntax,
                                                                        .is_signed = is_signed,
                                                                        .bits_stored = bits,
                                                                        .slope = slope,
                                                                        .intercept = intercept}));
  M3L_ASSERT_OK_AND_ASSIGN(const HuSlice decoded, DecodeDicom(bytes, {}));
  EXPECT_EQ(cv::countNonZero(decoded.hu != expected), 0);
  EXPECT_EQ(decoded.sop_instance_uid, "1.2.3.4");
  EXPECT_EQ(decoded.geometry.position, slice.geometry.position);
  EXPECT_EQ(decoded.geometry.column_spacing_mm, 0.65);
}

INSTANTIATE_TEST_SUITE_P(
    All, DicomSyntaxTest,
    ::testing::Combine(
        ::testing::Values(DicomSyntax::kImplicitLittleEndian, DicomSyntax::kExplicitLittleEndian,
                          DicomSyntax::kExplicitBigEndian, DicomSyntax::kDeflated,
                          DicomSyntax::kRle, DicomSyntax::kJpegLossless,
                          DicomSyntax::kJpegLosslessSv1, DicomSyntax::kJpegLsLossless),
        ::testing::Bool(), ::testing::Values(12, 16), ::testing::Values(1.0, 0.5, 2.35)));

}  // namespace
}  // namespace m3lung
