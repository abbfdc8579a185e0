// SPDX-License-Identifier: Apache-2.0
#include "client/report/lesion_overlay.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/answers/lesion_threshold.h"
#include "opencv2/imgproc.hpp"

namespace m3lung::client {
namespace {

constexpr double kMapShare = 0.5;

cv::Mat ToBytes(const v1::LesionMap& map) {
  cv::Mat bytes(map.rows(), map.columns(), CV_8UC1);
  for (int i = 0; i < map.values_size(); ++i) {
    const float value = std::isfinite(map.values(i)) ? std::clamp(map.values(i), 0.0F, 1.0F) : 0.0F;
    bytes.at<uint8_t>(i / map.columns(), i % map.columns()) =
        static_cast<uint8_t>(std::lround(value * 255));
  }
  return bytes;
}

}  // namespace

bool MapShowsLesion(const v1::SliceResult& slice) {
  return slice.lesion_probability() > kLesionThreshold;
}

cv::Mat MapColours(const cv::Mat& levels) {
  cv::Mat colours;
  cv::applyColorMap(levels, colours, cv::COLORMAP_JET);
  return colours;
}

absl::StatusOr<cv::Mat> OverlayLesionMap(const cv::Mat& grey, const cv::Rect& box,
                                         const v1::LesionMap& map) {
  const int64_t elements = int64_t{map.rows()} * map.columns();
  if (map.rows() <= 0 || map.columns() <= 0 || elements != map.values_size()) {
    return absl::InvalidArgumentError("the lesion map's size and values contradict each other");
  }
  const cv::Rect covers(map.covers().x(), map.covers().y(), map.covers().width(),
                        map.covers().height());
  cv::Mat overlay;
  cv::cvtColor(grey, overlay, cv::COLOR_GRAY2BGR);
  const cv::Rect shared = covers & box;
  if (shared.empty()) return overlay;

  cv::Mat spread;
  cv::resize(ToBytes(map), spread, covers.size(), 0, 0, cv::INTER_LINEAR);
  const cv::Mat colours = MapColours(spread);
  cv::Mat target = overlay(shared - box.tl());
  cv::addWeighted(colours(shared - covers.tl()), kMapShare, target, 1 - kMapShare, 0, target);
  return overlay;
}

}  // namespace m3lung::client
