// SPDX-License-Identifier: Apache-2.0
// Lesion maps in colour over the CT, as in the M3Lung-Sys paper's Figures 10 to 12.
#ifndef M3LUNG_CLIENT_REPORT_LESION_OVERLAY_H_
#define M3LUNG_CLIENT_REPORT_LESION_OVERLAY_H_

#include "absl/status/statusor.h"
#include "m3lung/v1/results.pb.h"
#include "opencv2/core/mat.hpp"

namespace m3lung::client {

// True where warm colours mean lesion. A slice called lesion-free has the map of
// what speaks for that, so that most of it is warm (the paper's footnote 4).
bool MapShowsLesion(const v1::SliceResult& slice);

// Location maps' colours of 0 to 255, from blue to red: CV_8UC1 to CV_8UC3.
cv::Mat MapColours(const cv::Mat& levels);

// `map` laid over the part `box` of the source image: `grey` (CV_8UC1, box-sized)
// blended half and half with the map in its colours, CV_8UC3.
// What the map does not cover stays grey. INVALID_ARGUMENT for a map whose size
// and values contradict each other.
absl::StatusOr<cv::Mat> OverlayLesionMap(const cv::Mat& grey, const cv::Rect& box,
                                         const v1::LesionMap& map);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_LESION_OVERLAY_H_
