// SPDX-License-Identifier: Apache-2.0
#include "server/study_slice.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

constexpr double kMaxPositionMm = 1e6;  // a kilometre, as of DICOM files

void MakeInput(int input_size, StudySlice& slice) {
  const cv::Mat part = ToCommonOrientation(slice.hu(slice.box), slice.summary.orientation);
  const cv::Mat input = ResizeCrop(part, cv::Rect({0, 0}, part.size()), input_size);
  slice.input.assign(input.begin<int16_t>(), input.end<int16_t>());
  slice.hu.release();
}

v1::SliceResult MakeResult(const StudySlice& slice, const v1::ModelReference& model) {
  v1::SliceResult result;
  result.set_sop_instance_uid(slice.summary.header.sop_instance_uid);
  result.set_instance(slice.summary.instance);
  result.set_frame(slice.summary.frame);
  result.set_position_mm(slice.summary.position_mm);
  *result.mutable_lung_box() = ToProto(slice.box, slice.method);
  for (const std::string& warning : slice.warnings) result.add_warnings(warning);
  *result.mutable_model() = model;
  return result;
}

}  // namespace

DecodeLimits ToDecodeLimits(const server::Limits& limits) {
  DecodeLimits decode;
  decode.max_rows = decode.max_columns = limits.image_side();
  decode.max_frames = limits.frames_per_instance();
  decode.max_inflated_bytes = limits.instance_bytes();
  decode.max_decoded_bytes = limits.held_bytes();
  decode.max_time = absl::Seconds(limits.decode_seconds());
  return decode;
}

absl::StatusOr<std::vector<StudySlice>> DecodeSlices(int instance, absl::string_view dicom,
                                                     const DecodeLimits& limits) {
  M3L_ASSIGN_OR_RETURN(DecodedInstance decoded, DecodeInstance(dicom, limits));
  std::vector<StudySlice> slices;
  for (HuSlice& one : decoded.slices) {
    StudySlice& slice = slices.emplace_back();
    slice.summary = Summarise(instance, decoded.header, one);
    slice.warnings = std::move(one.warnings);
    slice.hu = std::move(one.hu);
    slice.box = cv::Rect({0, 0}, slice.hu.size());
  }
  return slices;
}

absl::Status CheckHuSlice(const v1::HuSlice& slice, const DecodeLimits& limits) {
  if (slice.rows() < 1 || slice.rows() > limits.max_rows || slice.columns() < 1 ||
      slice.columns() > limits.max_columns) {
    return absl::InvalidArgumentError(absl::StrCat("HuSlice: rows and columns must be from 1 to ",
                                                   limits.max_rows, "; were ", slice.rows(),
                                                   " and ", slice.columns()));
  }
  const size_t expected = sizeof(int16_t) * slice.rows() * slice.columns();
  if (slice.hu().size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("HuSlice: ", slice.rows(), " x ",
                                                   slice.columns(), " int16 values are ", expected,
                                                   " bytes; hu has ", slice.hu().size()));
  }
  if (!(std::abs(slice.position_mm()) <= kMaxPositionMm)) {
    return absl::InvalidArgumentError(absl::StrCat("HuSlice: position_mm must be within ",
                                                   kMaxPositionMm, " mm of 0; was ",
                                                   slice.position_mm()));
  }
  for (const double mm : {slice.row_spacing_mm(), slice.column_spacing_mm()}) {
    if (!(mm > 0 && mm <= 100)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "HuSlice: row_spacing_mm and column_spacing_mm must be above 0 and at most 100; were ",
          slice.row_spacing_mm(), " and ", slice.column_spacing_mm()));
    }
  }
  return absl::OkStatus();
}

StudySlice FromHuSlice(int instance, const v1::HuSlice& message) {
  HuSlice decoded;
  decoded.hu.create(message.rows(), message.columns(), CV_16SC1);
  std::memcpy(decoded.hu.data, message.hu().data(), message.hu().size());
  decoded.geometry = {.position = {0, 0, message.position_mm()},
                      .row_direction = {1, 0, 0},
                      .column_direction = {0, 1, 0},
                      .row_spacing_mm = message.row_spacing_mm(),
                      .column_spacing_mm = message.column_spacing_mm()};
  InstanceHeader header;
  header.sop_instance_uid = message.sop_instance_uid();
  StudySlice slice;
  slice.summary = Summarise(instance, header, decoded);
  slice.box = cv::Rect({0, 0}, decoded.hu.size());
  slice.hu = std::move(decoded.hu);
  return slice;
}

void CropByPaper(int input_size, StudySlice& slice) {
  const LungCrop crop = CropLungPaper(slice.hu);
  slice.box = crop.box;
  slice.method = crop.method;
  MakeInput(input_size, slice);
}

void CropByVolume(const cv::Rect& common_box, int input_size, StudySlice& slice) {
  slice.box = FromCommonOrientation(common_box, slice.summary.size, slice.summary.orientation);
  slice.method = CropMethod::kVolume;
  MakeInput(input_size, slice);
}

v1::SliceResult MakeSliceResult(const StudySlice& slice, const SliceScores& scores,
                                v1::LesionMapSize maps, const v1::ModelReference& model) {
  v1::SliceResult result = MakeResult(slice, model);
  result.set_scored(true);
  result.set_label(ToProto(MostProbable(scores.probabilities)));
  result.mutable_probabilities()->Add(scores.probabilities.begin(), scores.probabilities.end());
  result.set_lesion_probability(scores.lesion_probability);
  if (maps != v1::NO_MAP) {
    *result.mutable_lesion_map() = ToProto(scores.map, slice.box, slice.summary.orientation, maps);
  }
  return result;
}

v1::SliceResult MakeUnscoredResult(const StudySlice& slice, const v1::ModelReference& model) {
  return MakeResult(slice, model);
}

}  // namespace m3lung
