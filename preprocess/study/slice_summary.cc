// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/slice_summary.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace m3lung {
namespace {

// Of both directions, the pixels that are counted: shares do not need them all.
constexpr int kStride = 2;

HounsfieldCounts CountHounsfield(const cv::Mat& hu) {
  HounsfieldCounts counts;
  for (int y = 0; y < hu.rows; y += kStride) {
    const int16_t* row = hu.ptr<int16_t>(y);
    for (int x = 0; x < hu.cols; x += kStride) {
      const int value = row[x];
      if (value == kAirHu || value < -1100) continue;
      ++counts.pixels;
      counts.air += value <= -700;
      counts.tissue += value >= -150 && value <= 150;
    }
  }
  return counts;
}

// REQUIRES: `hu` is continuous.
absl::string_view BytesOf(const cv::Mat& hu) {
  return {reinterpret_cast<const char*>(hu.data), hu.total() * hu.elemSize()};
}

bool IsBlank(const cv::Mat& hu) {
  const int16_t* pixels = hu.ptr<int16_t>();
  for (size_t i = 1; i < hu.total(); ++i) {
    if (pixels[i] != pixels[0]) return false;
  }
  return true;
}

}  // namespace

HounsfieldCounts operator+(const HounsfieldCounts& a, const HounsfieldCounts& b) {
  return {.pixels = a.pixels + b.pixels, .air = a.air + b.air, .tissue = a.tissue + b.tissue};
}

SliceSummary Summarise(int instance, const InstanceHeader& header, const HuSlice& slice) {
  const cv::Mat hu = slice.hu.isContinuous() ? slice.hu : slice.hu.clone();
  SliceSummary summary;
  summary.instance = instance;
  summary.frame = slice.frame;
  summary.header = header;
  summary.geometry = slice.geometry;
  summary.position_mm = slice.geometry.PositionAlongNormal();
  summary.size = hu.size();
  summary.pixel_digest = absl::HashOf(BytesOf(hu), hu.rows, hu.cols);
  summary.blank = IsBlank(hu);
  summary.orientation = OrientationOf(slice.geometry);

  double row_mm = slice.geometry.row_spacing_mm, column_mm = slice.geometry.column_spacing_mm;
  cv::Size size = hu.size();
  if (summary.orientation.transpose) {
    std::swap(row_mm, column_mm);
    std::swap(size.width, size.height);
  }
  summary.grid = GridFor(size, row_mm, column_mm);
  summary.coarse = Coarsen(ToCommonOrientation(hu, summary.orientation), summary.grid);
  summary.counts = CountHounsfield(hu);
  return summary;
}

}  // namespace m3lung
