// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/image_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "preprocess/skip_reason.h"

namespace m3lung {
namespace {

// An axial slice's normal is at most this far from the body's axis; a tilted
// gantry reaches 30 degrees.
constexpr double kMaxTiltDegrees = 30.5;
constexpr double kMaxSpacingMm = 100;
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

// A code string for a message, cut at the length that the standard allows.
std::string CodeString(const std::string& value) { return value.substr(0, 16); }

template <size_t N>
absl::StatusOr<std::array<double, N>> RequiredNumbers(const DicomAttributes& attributes,
                                                      const DcmTagKey& tag) {
  std::array<double, N> numbers = {};
  for (size_t i = 0; i < N; ++i) {
    const absl::StatusOr<std::optional<double>> value = attributes.Number(tag, i);
    if (!value.ok()) return NoGeometry(absl::StrCat(NameOf(tag), " holds no numbers"));
    if (!value->has_value()) {
      return NoGeometry(absl::StrCat(NameOf(tag), " has ", i, " of its ", N, " values"));
    }
    numbers[i] = **value;
  }
  return numbers;
}

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
  const std::string photometric = attributes.Text(DCM_PhotometricInterpretation);
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
                                           const DicomAttributes& measures) {
  SliceGeometry geometry;
  M3L_ASSIGN_OR_RETURN(geometry.position, RequiredNumbers<3>(position, DCM_ImagePositionPatient));
  for (double x : geometry.position) {
    if (std::abs(x) > kMaxPositionMm) {
      return NoGeometry("ImagePositionPatient lies over a kilometre away");
    }
  }
  M3L_ASSIGN_OR_RETURN(const auto cosines,
                       RequiredNumbers<6>(orientation, DCM_ImageOrientationPatient));
  std::copy_n(cosines.begin(), 3, geometry.row_direction.begin());
  std::copy_n(cosines.begin() + 3, 3, geometry.column_direction.begin());
  double dot = 0;
  const bool units = MakeUnit(geometry.row_direction) && MakeUnit(geometry.column_direction);
  for (int i = 0; i < 3; ++i) dot += geometry.row_direction[i] * geometry.column_direction[i];
  if (!units || std::abs(dot) > 0.1) {
    return NoGeometry("ImageOrientationPatient holds no two unit vectors at a right angle");
  }
  M3L_ASSIGN_OR_RETURN(const auto spacing, RequiredNumbers<2>(measures, DCM_PixelSpacing));
  for (double mm : spacing) {
    if (mm <= 0 || mm > kMaxSpacingMm) {
      return NoGeometry(
          absl::StrCat("PixelSpacing is ", mm, " mm; must be above 0 and at most ", kMaxSpacingMm));
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
  M3L_ASSIGN_OR_RETURN(const std::optional<double> slope, attributes.Number(DCM_RescaleSlope));
  M3L_ASSIGN_OR_RETURN(const std::optional<double> intercept,
                       attributes.Number(DCM_RescaleIntercept));
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
  const std::string type = attributes.Text(DCM_RescaleType);
  if (!type.empty() && type != "HU") {
    warnings.push_back(absl::StrCat("RescaleType is ", CodeString(type),
                                    ", so the values may be no Hounsfield "
                                    "units"));
  }
  return Rescale{.slope = slope.value_or(1), .intercept = intercept.value_or(0)};
}

absl::StatusOr<std::optional<PixelPadding>> ReadPadding(const DicomAttributes& attributes) {
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> value,
                       attributes.Integer(DCM_PixelPaddingValue));
  if (!value.has_value()) return std::optional<PixelPadding>();
  M3L_ASSIGN_OR_RETURN(const std::optional<int64_t> limit,
                       attributes.Integer(DCM_PixelPaddingRangeLimit));
  return std::optional<PixelPadding>(
      PixelPadding{.first = static_cast<uint16_t>(*value),
                   .last = static_cast<uint16_t>(limit.value_or(*value))});
}

}  // namespace m3lung
