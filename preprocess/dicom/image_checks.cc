// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/image_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// An axial slice's normal is at most this far from the body's axis; a tilted
// gantry reaches 30 degrees.
constexpr double kMaxTiltDegrees = 30.5;
constexpr double kMaxPositionMm = 1e6;

absl::StatusOr<int64_t> RequiredInteger(const DicomAttributes& attributes, const DcmTagKey& tag) {
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> value, attributes.Integer(tag));
  if (value.has_value()) return *value;
  return SkipError(SkipReason::kMalformed,
                   absl::StrCat(NameOf(tag), " is missing, which every CT image has"));
}

absl::Status UnsupportedFormat(absl::string_view detail) {
  return SkipError(SkipReason::kUnsupportedPixelFormat,
                   absl::StrCat(detail, "; a CT image has one grey value of 8 or 16 bits a pixel"));
}

absl::Status NoGeometry(absl::string_view detail) {
  return SkipError(SkipReason::kNoGeometry,
                   absl::StrCat(detail, "; send the original instance with its image plane"));
}

template <size_t N>
absl::StatusOr<std::array<double, N>> RequiredNumbers(const DicomAttributes& attributes,
                                                      const DcmTagKey& tag, Warnings& warnings) {
  const absl::StatusOr<std::vector<double>> values = attributes.Numbers(tag, N, warnings);
  if (!values.ok()) return SkipError(SkipReason::kNoGeometry, values.status().message());
  if (values->size() < N) {
    return NoGeometry(absl::StrCat(NameOf(tag), " has ", values->size(), " of its ", N, " values"));
  }
  std::array<double, N> numbers = {};
  std::copy(values->begin(), values->end(), numbers.begin());
  return numbers;
}

// The one number of an attribute; nothing where it is absent or empty.
absl::StatusOr<std::optional<double>> Number(const DicomAttributes& attributes,
                                             const DcmTagKey& tag, Warnings& warnings) {
  M3L_ASSIGN_OR_RETURN(const std::vector<double> values, attributes.Numbers(tag, 1, warnings));
  return values.empty() ? std::optional<double>() : values.front();
}

bool IsWord(double value) { return value >= -0x8000 && value <= 0xffff; }

uint16_t ToWord(double value) { return static_cast<uint16_t>(static_cast<int>(value)); }

bool MakeUnit(std::array<double, 3>& v) {
  const double length = std::hypot(v[0], v[1], v[2]);
  if (length < 0.9 || length > 1.1) return false;
  for (double& x : v) x /= length;
  return true;
}

}  // namespace

absl::StatusOr<PixelFormat> ReadPixelFormat(const DicomAttributes& attributes,
                                            const DecodeLimits& limits, Warnings& warnings) {
  M3L_ASSIGN_OR_RETURN(const int64_t rows, RequiredInteger(attributes, DCM_Rows));
  M3L_ASSIGN_OR_RETURN(const int64_t columns, RequiredInteger(attributes, DCM_Columns));
  if (rows < 1 || columns < 1) {
    return SkipError(SkipReason::kMalformed, absl::StrCat("Rows is ", rows, " and Columns is ",
                                                          columns, "; both must be positive"));
  }
  if (rows > limits.max_rows || columns > limits.max_columns) {
    return SkipError(SkipReason::kTooLarge,
                     absl::StrCat("Rows x Columns is ", rows, " x ", columns, ", the limit is ",
                                  limits.max_rows, " x ", limits.max_columns));
  }
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> samples,
                       attributes.Integer(DCM_SamplesPerPixel));
  if (samples.value_or(1) != 1) {
    return UnsupportedFormat(absl::StrCat("SamplesPerPixel is ", *samples));
  }
  M3L_ASSIGN_OR_RETURN(const std::string photometric,
                       attributes.Code(DCM_PhotometricInterpretation));
  if (photometric.empty()) {
    warnings.push_back("PhotometricInterpretation is missing; taken for MONOCHROME2");
  } else if (photometric == "MONOCHROME1") {
    warnings.push_back(
        "PhotometricInterpretation is MONOCHROME1: a matter of display, Hounsfield units are not "
        "inverted");
  } else if (photometric != "MONOCHROME2") {
    return UnsupportedFormat(
        absl::StrCat("PhotometricInterpretation is ", CodeString(photometric)));
  }

  M3L_ASSIGN_OR_RETURN(const int64_t allocated, RequiredInteger(attributes, DCM_BitsAllocated));
  if (allocated != 8 && allocated != 16) {
    return UnsupportedFormat(absl::StrCat("BitsAllocated is ", allocated));
  }
  M3L_ASSIGN_OR_RETURN(const int64_t stored, RequiredInteger(attributes, DCM_BitsStored));
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> high_bit, attributes.Integer(DCM_HighBit));
  const int64_t high = high_bit.value_or(stored - 1);
  if (!high_bit.has_value()) {
    warnings.push_back(absl::StrCat("HighBit is missing; taken for ", high));
  }
  if (stored < 1 || high + 1 < stored || high >= allocated) {
    return SkipError(SkipReason::kMalformed,
                     absl::StrCat("BitsAllocated ", allocated, ", BitsStored ", stored,
                                  " and HighBit ", high, " contradict each other"));
  }
  M3L_ASSIGN_OR_RETURN(const int64_t representation,
                       RequiredInteger(attributes, DCM_PixelRepresentation));
  if (representation != 0 && representation != 1) {
    return SkipError(SkipReason::kMalformed,
                     absl::StrCat("PixelRepresentation is ", representation, "; must be 0 or 1"));
  }
  return PixelFormat{.rows = static_cast<int>(rows),
                     .columns = static_cast<int>(columns),
                     .bits_allocated = static_cast<int>(allocated),
                     .bits_stored = static_cast<int>(stored),
                     .high_bit = static_cast<int>(high),
                     .is_signed = representation == 1};
}

absl::StatusOr<SliceGeometry> ReadGeometry(const DicomAttributes& position,
                                           const DicomAttributes& orientation,
                                           const DicomAttributes& measures, Warnings& warnings) {
  SliceGeometry geometry;
  M3L_ASSIGN_OR_RETURN(geometry.position,
                       RequiredNumbers<3>(position, DCM_ImagePositionPatient, warnings));
  for (double x : geometry.position) {
    if (std::abs(x) > kMaxPositionMm) {
      return NoGeometry("ImagePositionPatient lies over a kilometre away");
    }
  }
  M3L_ASSIGN_OR_RETURN(const auto cosines,
                       RequiredNumbers<6>(orientation, DCM_ImageOrientationPatient, warnings));
  std::copy_n(cosines.begin(), 3, geometry.row_direction.begin());
  std::copy_n(cosines.begin() + 3, 3, geometry.column_direction.begin());
  double dot = 0;
  const bool units = MakeUnit(geometry.row_direction) && MakeUnit(geometry.column_direction);
  for (int i = 0; i < 3; ++i) dot += geometry.row_direction[i] * geometry.column_direction[i];
  if (!units || std::abs(dot) > 0.1) {
    return NoGeometry("ImageOrientationPatient holds no two unit vectors at a right angle");
  }
  M3L_ASSIGN_OR_RETURN(const auto spacing,
                       RequiredNumbers<2>(measures, DCM_PixelSpacing, warnings));
  for (double mm : spacing) {
    if (mm < kMinSpacingMm || mm > kMaxSpacingMm) {
      return NoGeometry(absl::StrCat("PixelSpacing is ", mm, " mm; must be from ", kMinSpacingMm,
                                     " to ", kMaxSpacingMm));
    }
  }
  geometry.row_spacing_mm = spacing[0];
  geometry.column_spacing_mm = spacing[1];

  const double degrees = std::acos(std::clamp(geometry.Normal()[2], -1.0, 1.0)) * 180 / M_PI;
  if (degrees > kMaxTiltDegrees) {
    return SkipError(SkipReason::kNotAxial,
                     absl::StrCat("the slice plane is ", std::lround(degrees),
                                  " degrees from axial; send the axial series"));
  }
  return geometry;
}

absl::StatusOr<Rescale> ReadRescale(const DicomAttributes& attributes, Warnings& warnings) {
  M3L_ASSIGN_OR_RETURN(const std::optional<double> slope,
                       Number(attributes, DCM_RescaleSlope, warnings));
  M3L_ASSIGN_OR_RETURN(const std::optional<double> intercept,
                       Number(attributes, DCM_RescaleIntercept, warnings));
  if (!slope.has_value() && !intercept.has_value() && attributes.Has(DCM_ModalityLUTSequence)) {
    return SkipError(
        SkipReason::kUnsupportedPixelFormat,
        "the pixels become Hounsfield units by a table (ModalityLUTSequence), which is "
        "not read; send the original CT image with RescaleSlope and RescaleIntercept");
  }
  if (!slope.has_value()) warnings.push_back("RescaleSlope is missing; taken for 1");
  if (!intercept.has_value()) warnings.push_back("RescaleIntercept is missing; taken for 0");
  if (slope == 0) {
    return SkipError(SkipReason::kMalformed,
                     "RescaleSlope is 0, which makes every pixel the same; resend the instance");
  }
  M3L_ASSIGN_OR_RETURN(const std::string type, attributes.Code(DCM_RescaleType));
  if (!type.empty() && type != "HU") {
    warnings.push_back(absl::StrCat("RescaleType is ", CodeString(type),
                                    ", so the values may be no Hounsfield "
                                    "units"));
  }
  return Rescale{.slope = slope.value_or(1), .intercept = intercept.value_or(0)};
}

absl::StatusOr<std::optional<PixelPadding>> ReadPadding(const DicomAttributes& attributes,
                                                        bool is_signed, Warnings& warnings) {
  M3L_ASSIGN_OR_RETURN(const std::optional<double> value,
                       Number(attributes, DCM_PixelPaddingValue, warnings));
  if (!value.has_value()) return std::optional<PixelPadding>();
  M3L_ASSIGN_OR_RETURN(const std::optional<double> limit,
                       Number(attributes, DCM_PixelPaddingRangeLimit, warnings));
  const double last = limit.value_or(*value);
  if (!IsWord(*value) || !IsWord(last)) {
    return SkipError(SkipReason::kMalformed,
                     absl::StrCat("PixelPaddingValue ", *value, " and PixelPaddingRangeLimit ",
                                  last, " are no words of 16 bits; resend the instance"));
  }
  // A word of the other sign than the pixels' is taken by its bits, which a range that
  // it bounds alone would turn inside out.
  const auto fits = [&](double word) { return is_signed ? word < 0x8000 : word >= 0; };
  if (fits(*value) != fits(last)) {
    return SkipError(SkipReason::kMalformed,
                     absl::StrCat("the padding from ", *value, " to ", last,
                                  " is partly of another sign than PixelRepresentation says; "
                                  "resend the instance"));
  }
  return std::optional<PixelPadding>(PixelPadding{.first = ToWord(*value), .last = ToWord(last)});
}

}  // namespace m3lung
