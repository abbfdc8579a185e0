// One instance on its way to the network: decoded, cropped, resized.
#ifndef M3LUNG_SERVER_SLICE_PREPARATION_H_
#define M3LUNG_SERVER_SLICE_PREPARATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "m3lung/v1/results.pb.h"
#include "m3lung/v1/screening.pb.h"
#include "model/inference.h"
#include "preprocess/dicom_decoder.h"
#include "preprocess/lung_crop.h"
#include "server/config.pb.h"

namespace m3lung {

DecodeLimits ToDecodeLimits(const server::Limits& limits);

struct PreparedSlice {
  std::string sop_instance_uid;
  std::string series_instance_uid;
  double position_mm = 0;
  LungCrop crop;
  std::vector<int16_t> input;  // input_size x input_size HU, row by row
  std::vector<std::string> warnings;
  absl::Duration decode_time;
  absl::Duration crop_time;
};

// Decodes a DICOM file and prepares it by the paper's crop. The error carries a
// SkipReason.
absl::StatusOr<PreparedSlice> PrepareDicom(absl::string_view bytes, const DecodeLimits& limits,
                                           int input_size, Clock& clock);

// OK where the message's size is within the limits and its bytes fit it.
absl::Status CheckHuSlice(const v1::HuSlice& slice, const DecodeLimits& limits);

// The same for a slice given as HU. REQUIRES: CheckHuSlice() found it OK.
PreparedSlice PrepareHuSlice(const v1::HuSlice& slice, int input_size, Clock& clock);

// The answer for one slice; `instance` and `index` are left to the caller.
v1::SliceResult MakeSliceResult(const PreparedSlice& slice, const SliceScores& scores,
                                v1::LesionMapSize maps, const v1::ModelReference& model);

}  // namespace m3lung

#endif  // M3LUNG_SERVER_SLICE_PREPARATION_H_
