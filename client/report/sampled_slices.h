// SPDX-License-Identifier: Apache-2.0
// The slices that a report shows, as pictures.
#ifndef M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_
#define M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "m3lung/v1/results.pb.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/decoded_instance.h"

namespace m3lung::client {

// Every fifth slice is shown, as in the paper's Figures 11 and 12.
inline constexpr int kSampleStep = 5;

// Every picture is of this size; the crop lies in its middle, on black.
inline constexpr int kTileWidth = 360;
inline constexpr int kTileHeight = 270;

// The instance with this number in the order sent, decoded, with all its frames.
using InstanceLoader = std::function<absl::StatusOr<DecodedInstance>(int instance)>;

// Pictures are as radiologists see a patient, whichever way the image is stored:
// the front above, the patient's right on the left, the pixels' true proportions.
struct SampledSlice {
  v1::SliceResult result;
  cv::Mat ct;       // the lung box in the lung window, CV_8UC3; empty where it cannot be shown
  cv::Mat overlay;  // the same with the lesion map, CV_8UC3; empty where there is none
  bool sides_known = false;  // the instance says how it lies
  bool turned = false;       // the image is stored another way up than it is shown
  std::string note;          // why a picture is missing; empty where none is
};

// Slices 0, 5, 10, ... of `slices`, which are in order from head to feet. Every
// instance is loaded once, however many of its frames are shown, and let go before
// the next one.
std::vector<SampledSlice> SampleSlices(
    const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices, const InstanceLoader& load);

// The pictures of one slice.
SampledSlice RenderSlice(const v1::SliceResult& slice, const absl::StatusOr<HuSlice>& image);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_
