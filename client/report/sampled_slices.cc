#include "client/report/sampled_slices.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/report/lesion_overlay.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/windowing.h"

namespace m3lung::client {
namespace {

// The window that radiologists read lungs in, and the middle one of the networks'.
constexpr float kCentreHu = -600;
constexpr float kWidthHu = 1200;

// `picture` (BGR) as large as it can be in a tile, on black.
cv::Mat FitTile(const cv::Mat& picture) {
  const double scale = std::min(static_cast<double>(kTileWidth) / picture.cols,
                                static_cast<double>(kTileHeight) / picture.rows);
  const cv::Size size(std::max(1, static_cast<int>(std::lround(picture.cols * scale))),
                      std::max(1, static_cast<int>(std::lround(picture.rows * scale))));
  cv::Mat resized;
  cv::resize(picture, resized, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  cv::Mat tile(kTileHeight, kTileWidth, CV_8UC3, cv::Scalar::all(0));
  resized.copyTo(
      tile(cv::Rect({(kTileWidth - size.width) / 2, (kTileHeight - size.height) / 2}, size)));
  return tile;
}

}  // namespace

SampledSlice RenderSlice(const v1::SliceResult& slice, const absl::StatusOr<cv::Mat>& hu) {
  SampledSlice sample;
  sample.result = slice;
  if (!hu.ok()) {
    sample.note = absl::StrCat("no picture: ", hu.status().message());
    return sample;
  }
  const cv::Rect image({0, 0}, hu->size());
  cv::Rect box(slice.lung_box().x(), slice.lung_box().y(), slice.lung_box().width(),
               slice.lung_box().height());
  if (box.empty()) box = image;
  if ((box & image) != box) {
    sample.note = "no picture: the lung box lies outside the image in the local file";
    return sample;
  }
  const cv::Mat grey = ApplyWindow((*hu)(box).clone(), kCentreHu, kWidthHu);
  cv::Mat ct;
  cv::cvtColor(grey, ct, cv::COLOR_GRAY2BGR);
  sample.ct = FitTile(ct);
  if (!slice.scored()) {
    sample.note = "no lung found: not scored";
  } else if (!slice.has_lesion_map()) {
    sample.note = "no map: none was asked for";
  } else if (absl::StatusOr<cv::Mat> overlay = OverlayLesionMap(grey, box, slice.lesion_map());
             overlay.ok()) {
    sample.overlay = FitTile(*overlay);
  } else {
    sample.note = absl::StrCat("no map: ", overlay.status().message());
  }
  return sample;
}

std::vector<SampledSlice> SampleSlices(
    const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices, const HuLoader& load_hu) {
  std::vector<SampledSlice> samples;
  for (int i = 0; i < slices.size(); i += kSampleStep) {
    samples.push_back(RenderSlice(slices[i], load_hu(slices[i].instance())));
  }
  return samples;
}

}  // namespace m3lung::client
