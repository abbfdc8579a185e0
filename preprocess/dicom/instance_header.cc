// SPDX-License-Identifier: Apache-2.0
#include "preprocess/dicom/instance_header.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "dcmtk/dcmdata/dcdeftag.h"

namespace m3lung {
namespace {

constexpr double kDaysAYear = 365.2425;
constexpr double kMaxAgeYears = 150;

bool AllDigits(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// `value` as it is, with a warning where it is not what the standard asks for.
std::string Uid(const DicomAttributes& attributes, const DcmTagKey& tag, Warnings& warnings) {
  std::string value = attributes.Text(tag);
  if (value.empty()) {
    warnings.push_back(absl::StrCat(NameOf(tag), " is empty"));
  } else if (value.size() > 64 || value.find_first_not_of("0123456789.") != std::string::npos) {
    warnings.push_back(absl::StrCat(NameOf(tag), " is not a valid unique identifier"));
  }
  return value;
}

std::optional<double> StatedAge(absl::string_view text) {
  if (text.size() < 2) return std::nullopt;
  double number = 0;
  const absl::string_view digits = text.substr(0, text.size() - 1);
  if (!AllDigits(digits) || !absl::SimpleAtod(digits, &number)) return std::nullopt;
  switch (absl::ascii_toupper(static_cast<unsigned char>(text.back()))) {
    case 'Y':
      return number;
    case 'M':
      return number / 12;
    case 'W':
      return number * 7 / kDaysAYear;
    case 'D':
      return number / kDaysAYear;
    default:
      return std::nullopt;
  }
}

std::optional<absl::CivilDay> Date(absl::string_view text) {
  int year = 0, month = 0, day = 0;
  if (text.size() != 8 || !AllDigits(text) || !absl::SimpleAtoi(text.substr(0, 4), &year) ||
      !absl::SimpleAtoi(text.substr(4, 2), &month) || !absl::SimpleAtoi(text.substr(6, 2), &day)) {
    return std::nullopt;
  }
  const absl::CivilDay date(year, month, day);
  if (date.month() != month || date.day() != day) return std::nullopt;  // the 31st of June
  return date;
}

bool Plausible(double years) { return years >= 0 && years < kMaxAgeYears; }

}  // namespace

std::optional<double> AgeInYears(const std::string& age, const std::string& birth_date,
                                 const std::string& study_date) {
  const std::optional<double> stated = StatedAge(age);
  if (stated.has_value() && Plausible(*stated)) return stated;
  const std::optional<absl::CivilDay> birth = Date(birth_date);
  const std::optional<absl::CivilDay> study = Date(study_date);
  if (!birth.has_value() || !study.has_value()) return std::nullopt;
  // One date for everything is an anonymiser's work, not a newborn's.
  if (*study == *birth) return std::nullopt;
  const double years = static_cast<double>(*study - *birth) / kDaysAYear;
  if (!Plausible(years)) return std::nullopt;
  return years;
}

InstanceHeader ReadInstanceHeader(const DicomAttributes& attributes, Warnings& warnings) {
  InstanceHeader header;
  header.sop_instance_uid = Uid(attributes, DCM_SOPInstanceUID, warnings);
  header.series_instance_uid = Uid(attributes, DCM_SeriesInstanceUID, warnings);
  header.acquisition_number =
      attributes.Integer(DCM_AcquisitionNumber).value_or(std::optional<int64_t>());
  for (unsigned long i = 0; i < 16; ++i) {
    std::string value = attributes.Text(DCM_ImageType, i);
    if (value.empty()) break;
    header.image_type.push_back(std::move(value));
  }
  header.convolution_kernel = attributes.Text(DCM_ConvolutionKernel);
  header.patient_position = attributes.Text(DCM_PatientPosition);
  header.body_part = attributes.Text(DCM_BodyPartExamined);
  header.patient_age_years =
      AgeInYears(attributes.Text(DCM_PatientAge), attributes.Text(DCM_PatientBirthDate),
                 attributes.Text(DCM_StudyDate));
  return header;
}

}  // namespace m3lung
