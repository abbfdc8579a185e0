// The slices that a report shows, as pictures.
#ifndef M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_
#define M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "m3lung/v1/results.pb.h"
#include "opencv2/core/mat.hpp"

namespace m3lung::client {

// Every fifth slice is shown, as in the paper's Figures 11 and 12.
inline constexpr int kSampleStep = 5;

// Every picture is of this size; the crop lies in its middle, on black.
inline constexpr int kTileWidth = 360;
inline constexpr int kTileHeight = 270;

// Rows x columns, CV_16SC1, in HU, of the instance with this number in the order sent.
using HuLoader = std::function<absl::StatusOr<cv::Mat>(int instance)>;

struct SampledSlice {
  v1::SliceResult result;
  cv::Mat ct;        // the lung box in the lung window, CV_8UC3; empty where it cannot be shown
  cv::Mat overlay;   // the same with the lesion map, CV_8UC3; empty where there is none
  std::string note;  // why a picture is missing; empty where none is
};

// Slices 0, 5, 10, ... of `slices`, which are in order from head to feet.
std::vector<SampledSlice> SampleSlices(
    const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices, const HuLoader& load_hu);

// The pictures of one slice.
SampledSlice RenderSlice(const v1::SliceResult& slice, const absl::StatusOr<cv::Mat>& hu);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_SAMPLED_SLICES_H_
