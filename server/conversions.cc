// SPDX-License-Identifier: Apache-2.0
#include "server/conversions.h"

#include "opencv2/imgproc.hpp"

namespace m3lung {

v1::Label ToProto(Label label) { return static_cast<v1::Label>(static_cast<int>(label) + 1); }

v1::SkipReason ToProto(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNotDicom:
      return v1::NOT_DICOM;
    case SkipReason::kMalformed:
      return v1::MALFORMED;
    case SkipReason::kUnsupportedTransferSyntax:
      return v1::UNSUPPORTED_TRANSFER_SYNTAX;
    case SkipReason::kNotCt:
      return v1::NOT_CT;
    case SkipReason::kNoPixelData:
      return v1::NO_PIXEL_DATA;
    case SkipReason::kUnsupportedPixelFormat:
      return v1::UNSUPPORTED_PIXEL_FORMAT;
    case SkipReason::kMultiFrame:
      return v1::MULTI_FRAME;
    case SkipReason::kTooLarge:
      return v1::TOO_LARGE;
    case SkipReason::kLocalizer:
      return v1::LOCALIZER;
    case SkipReason::kNoGeometry:
      return v1::NO_GEOMETRY;
    case SkipReason::kNotAxial:
      return v1::NOT_AXIAL;
    case SkipReason::kOtherSeries:
      return v1::OTHER_SERIES;
    case SkipReason::kDuplicate:
      return v1::DUPLICATE;
    case SkipReason::kSecondaryCapture:
      return v1::SECONDARY_CAPTURE;
    case SkipReason::kBurnedInAnnotation:
      return v1::BURNED_IN_ANNOTATION;
    case SkipReason::kNotAnImage:
      return v1::NOT_AN_IMAGE;
    case SkipReason::kOtherAcquisition:
      return v1::OTHER_ACQUISITION;
    case SkipReason::kDoubledPosition:
      return v1::DOUBLED_POSITION;
    case SkipReason::kTooSlow:
      return v1::TOO_SLOW;
    case SkipReason::kOtherStudy:
      return v1::OTHER_STUDY;
  }
  return v1::SKIP_REASON_UNSPECIFIED;
}

v1::WeightsOrigin ToProto(WeightsOrigin origin) {
  switch (origin) {
    case WeightsOrigin::kRandom:
      return v1::RANDOM;
    case WeightsOrigin::kSyntheticData:
      return v1::SYNTHETIC_DATA;
    case WeightsOrigin::kMixedData:
      return v1::MIXED_DATA;
    case WeightsOrigin::kRealData:
      return v1::REAL_DATA;
  }
  return v1::WEIGHTS_ORIGIN_UNSPECIFIED;
}

v1::StudyReason ToProto(StudyReason reason) {
  switch (reason) {
    case StudyReason::kNoUsableInstance:
      return v1::NO_USABLE_INSTANCE;
    case StudyReason::kFewerInstancesThanExpected:
      return v1::FEWER_INSTANCES_THAN_EXPECTED;
    case StudyReason::kMoreInstancesThanExpected:
      return v1::MORE_INSTANCES_THAN_EXPECTED;
    case StudyReason::kInstancesSkipped:
      return v1::INSTANCES_SKIPPED;
    case StudyReason::kNotHounsfield:
      return v1::NOT_HOUNSFIELD;
    case StudyReason::kNoLungsFound:
      return v1::NO_LUNGS_FOUND;
    case StudyReason::kNoAxialSeries:
      return v1::NO_AXIAL_SERIES;
    case StudyReason::kTooFewLungSlices:
      return v1::TOO_FEW_LUNG_SLICES;
    case StudyReason::kSlicesMissing:
      return v1::SLICES_MISSING;
    case StudyReason::kLungsNotCovered:
      return v1::LUNGS_NOT_COVERED;
    case StudyReason::kSpacingTooWide:
      return v1::SPACING_TOO_WIDE;
    case StudyReason::kPositionsDoubled:
      return v1::POSITIONS_DOUBLED;
    case StudyReason::kBetterSeriesSkipped:
      return v1::BETTER_SERIES_SKIPPED;
    case StudyReason::kSeveralStudies:
      return v1::SEVERAL_STUDIES;
    case StudyReason::kAcquisitionsMixed:
      return v1::ACQUISITIONS_MIXED;
  }
  return v1::STUDY_REASON_UNSPECIFIED;
}

v1::Verdict ToProto(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return v1::OK;
    case Verdict::kDegraded:
      return v1::DEGRADED;
    case Verdict::kAbstained:
      return v1::ABSTAINED;
    case Verdict::kRejected:
      return v1::REJECTED;
  }
  return v1::VERDICT_UNSPECIFIED;
}

v1::LungBox ToProto(const cv::Rect& box, std::optional<CropMode> method) {
  v1::LungBox message;
  message.set_x(box.x);
  message.set_y(box.y);
  message.set_width(box.width);
  message.set_height(box.height);
  message.set_method(NameOf(method));
  return message;
}

v1::CropMode ToProto(CropMode mode) {
  switch (mode) {
    case CropMode::kPaper:
      return v1::PAPER;
    case CropMode::kVolume:
      return v1::VOLUME;
  }
  return v1::CROP_MODE_UNSPECIFIED;
}

std::string NameOf(std::optional<CropMode> method) {
  return method.has_value() ? std::string(CropModeName(*method)) : "none";
}
std::string NameOf(v1::Label label) { return v1::Label_Name(label); }
std::string NameOf(v1::SkipReason reason) { return v1::SkipReason_Name(reason); }
std::string NameOf(v1::Verdict verdict) { return v1::Verdict_Name(verdict); }

v1::LesionMap ToProto(const LocationMap& map, const cv::Rect& box, const Orientation& orientation,
                      v1::LesionMapSize size) {
  v1::LesionMap message;
  v1::PixelBox& covers = *message.mutable_covers();
  covers.set_x(box.x);
  covers.set_y(box.y);
  covers.set_width(box.width);
  covers.set_height(box.height);
  const cv::Mat common(map.rows, map.columns, CV_32FC1, const_cast<float*>(map.values.data()));
  cv::Mat values = FromCommonOrientation(common, orientation);
  if (size == v1::FULL_SIZE) {
    cv::resize(values, values, box.size(), 0, 0, cv::INTER_LINEAR);
  }
  message.set_rows(values.rows);
  message.set_columns(values.cols);
  message.mutable_values()->Add(values.begin<float>(), values.end<float>());
  return message;
}

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

}  // namespace m3lung
