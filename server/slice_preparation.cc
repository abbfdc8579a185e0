#include "server/slice_preparation.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/conversions.h"

namespace m3lung {
namespace {

void Crop(const cv::Mat& hu, int input_size, Clock& clock, PreparedSlice& slice) {
  const absl::Time start = clock.Now();
  slice.crop = CropLungPaper(hu);
  const cv::Mat input = ResizeCrop(hu, slice.crop.box, input_size);
  slice.input.assign(input.begin<int16_t>(), input.end<int16_t>());
  slice.crop_time = clock.Now() - start;
}

}  // namespace

DecodeLimits ToDecodeLimits(const server::Limits& limits) {
  return {.max_rows = limits.image_side(), .max_columns = limits.image_side()};
}

absl::StatusOr<PreparedSlice> PrepareDicom(absl::string_view bytes, const DecodeLimits& limits,
                                           int input_size, Clock& clock) {
  const absl::Time start = clock.Now();
  M3L_ASSIGN_OR_RETURN(HuSlice decoded, DecodeDicom(bytes, limits));
  PreparedSlice slice;
  slice.decode_time = clock.Now() - start;
  slice.sop_instance_uid = std::move(decoded.sop_instance_uid);
  slice.series_instance_uid = std::move(decoded.series_instance_uid);
  slice.position_mm = decoded.geometry.PositionAlongNormal();
  slice.warnings = std::move(decoded.warnings);
  Crop(decoded.hu, input_size, clock, slice);
  return slice;
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
  if (!std::isfinite(slice.position_mm())) {
    return absl::InvalidArgumentError("HuSlice: position_mm must be a finite number");
  }
  return absl::OkStatus();
}

PreparedSlice PrepareHuSlice(const v1::HuSlice& message, int input_size, Clock& clock) {
  PreparedSlice slice;
  slice.sop_instance_uid = message.sop_instance_uid();
  slice.position_mm = message.position_mm();
  cv::Mat hu(message.rows(), message.columns(), CV_16SC1);
  std::memcpy(hu.data, message.hu().data(), message.hu().size());
  Crop(hu, input_size, clock, slice);
  return slice;
}

v1::SliceResult MakeSliceResult(const PreparedSlice& slice, const SliceScores& scores,
                                v1::LesionMapSize maps, const v1::ModelReference& model) {
  v1::SliceResult result;
  result.set_sop_instance_uid(slice.sop_instance_uid);
  result.set_position_mm(slice.position_mm);
  result.set_scored(true);
  result.set_label(ToProto(MostProbable(scores.probabilities)));
  result.mutable_probabilities()->Add(scores.probabilities.begin(), scores.probabilities.end());
  result.set_lesion_probability(scores.lesion_probability);
  *result.mutable_lung_box() = ToProto(slice.crop);
  if (maps != v1::NO_MAP) {
    *result.mutable_lesion_map() = ToProto(scores.map, slice.crop.box, maps);
  }
  for (const std::string& warning : slice.warnings) result.add_warnings(warning);
  *result.mutable_model() = model;
  return result;
}

}  // namespace m3lung
