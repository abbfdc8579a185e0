// SPDX-License-Identifier: Apache-2.0
#include "server/study/study_slice.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "preprocess/orientation.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

constexpr double kMaxPositionMm = 1e6;  // a kilometre, as of DICOM files

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
    if (!(mm >= kMinSpacingMm && mm <= kMaxSpacingMm)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "HuSlice: row_spacing_mm and column_spacing_mm must be from ", kMinSpacingMm, " to ",
          kMaxSpacingMm, "; were ", slice.row_spacing_mm(), " and ", slice.column_spacing_mm()));
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
  return ToStudySlice(instance, header, std::move(decoded));
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

LungCounts CountAffected(const StudySlice& slice, const cv::Mat& lung_mask,
                         const SliceScores& scores) {
  const SliceSummary& summary = slice.summary;
  return CountAffected(lung_mask, summary.grid,
                       ToCommonOrientation(slice.box, summary.size, summary.orientation), scores);
}

v1::SliceResult MakeUnscoredResult(const StudySlice& slice, const v1::ModelReference& model) {
  return MakeResult(slice, model);
}

}  // namespace m3lung
