// SPDX-License-Identifier: Apache-2.0
#include "client/report/sampled_slices.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/report/lesion_overlay.h"
#include "opencv2/imgproc.hpp"
#include "preprocess/orientation.h"
#include "preprocess/windowing.h"

namespace m3lung::client {
namespace {

// The window that radiologists read lungs in, and the middle one of the networks'.
constexpr float kCentreHu = -600;
constexpr float kWidthHu = 1200;

// `picture` (BGR) as large as it can be in a tile, on black. `extent`: its size in
// the patient, of which the proportions count.
cv::Mat FitTile(const cv::Mat& picture, const cv::Size2d& extent) {
  const double scale = std::min(kTileWidth / extent.width, kTileHeight / extent.height);
  const cv::Size size(
      std::clamp(static_cast<int>(std::lround(extent.width * scale)), 1, kTileWidth),
      std::clamp(static_cast<int>(std::lround(extent.height * scale)), 1, kTileHeight));
  cv::Mat resized;
  cv::resize(picture, resized, size, 0, 0,
             size.width < picture.cols ? cv::INTER_AREA : cv::INTER_CUBIC);
  cv::Mat tile(kTileHeight, kTileWidth, CV_8UC3, cv::Scalar::all(0));
  resized.copyTo(
      tile(cv::Rect({(kTileWidth - size.width) / 2, (kTileHeight - size.height) / 2}, size)));
  return tile;
}

// What has no direction (a slice sent without DICOM) is taken as it is.
bool SaysHowItLies(const SliceGeometry& geometry) {
  const std::array<double, 3> none = {};
  return geometry.row_direction != none && geometry.column_direction != none;
}

// Turns a picture of part of the stored image the usual way up and fits it.
class Presentation {
 public:
  Presentation(const SliceGeometry& geometry, const cv::Size& pixels)
      : sides_known_(SaysHowItLies(geometry)),
        orientation_(sides_known_ ? OrientationOf(geometry) : Orientation()) {
    const bool spaced = geometry.row_spacing_mm > 0 && geometry.column_spacing_mm > 0;
    extent_ = cv::Size2d(pixels.width * (spaced ? geometry.column_spacing_mm : 1),
                         pixels.height * (spaced ? geometry.row_spacing_mm : 1));
    if (orientation_.transpose) std::swap(extent_.width, extent_.height);
  }

  bool sides_known() const { return sides_known_; }
  bool turns() const { return !orientation_.is_identity(); }

  cv::Mat Tile(const cv::Mat& as_stored) const {
    return FitTile(ToCommonOrientation(as_stored, orientation_), extent_);
  }

 private:
  const bool sides_known_;
  const Orientation orientation_;
  cv::Size2d extent_;
};

absl::StatusOr<HuSlice> FrameOf(const absl::StatusOr<DecodedInstance>& instance, int frame) {
  if (!instance.ok()) return instance.status();
  for (const HuSlice& slice : instance->slices) {
    if (slice.frame == frame) return slice;
  }
  return absl::NotFoundError(absl::StrCat("the local file has no frame ", frame));
}

}  // namespace

SampledSlice RenderSlice(const v1::SliceResult& slice, const absl::StatusOr<HuSlice>& image) {
  SampledSlice sample;
  sample.result = slice;
  if (!image.ok()) {
    sample.note = absl::StrCat("no picture: ", image.status().message());
    return sample;
  }
  const cv::Rect whole({0, 0}, image->hu.size());
  cv::Rect box(slice.lung_box().x(), slice.lung_box().y(), slice.lung_box().width(),
               slice.lung_box().height());
  if (box.empty()) box = whole;
  if ((box & whole) != box) {
    sample.note = "no picture: the lung box lies outside the image in the local file";
    return sample;
  }
  const Presentation presentation(image->geometry, box.size());
  const cv::Mat grey = ApplyWindow(image->hu(box).clone(), kCentreHu, kWidthHu);
  cv::Mat ct;
  cv::cvtColor(grey, ct, cv::COLOR_GRAY2BGR);
  sample.sides_known = presentation.sides_known();
  sample.turned = presentation.turns();
  sample.ct = presentation.Tile(ct);
  if (!slice.scored()) {
    sample.note = "no lung: not scored";
  } else if (!slice.has_lesion_map()) {
    sample.note = "no map: none was asked for";
  } else if (absl::StatusOr<cv::Mat> overlay = OverlayLesionMap(grey, box, slice.lesion_map());
             overlay.ok()) {
    sample.overlay = presentation.Tile(*overlay);
  } else {
    sample.note = absl::StrCat("no map: ", overlay.status().message());
  }
  return sample;
}

std::vector<SampledSlice> SampleSlices(
    const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices, const InstanceLoader& load) {
  std::vector<SampledSlice> samples;
  std::map<int, std::vector<size_t>> places_of_instance;  // in `samples`
  for (int i = 0; i < slices.size(); i += kSampleStep) {
    places_of_instance[slices[i].instance()].push_back(samples.size());
    samples.emplace_back().result = slices[i];
  }
  for (const auto& [instance, places] : places_of_instance) {
    const absl::StatusOr<DecodedInstance> decoded = load(instance);
    for (const size_t place : places) {
      const v1::SliceResult slice = samples[place].result;
      samples[place] = RenderSlice(slice, FrameOf(decoded, slice.frame()));
    }
  }
  return samples;
}

}  // namespace m3lung::client
