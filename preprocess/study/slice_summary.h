// SPDX-License-Identifier: Apache-2.0
// What of a slice the study is put together by, when its pixels lie elsewhere.
#ifndef M3LUNG_PREPROCESS_STUDY_SLICE_SUMMARY_H_
#define M3LUNG_PREPROCESS_STUDY_SLICE_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "preprocess/decoded_instance.h"
#include "preprocess/hu_slice.h"
#include "preprocess/lungs/lung_volume.h"
#include "preprocess/orientation.h"

namespace m3lung {

// Shares of pixels by Hounsfield units. Left out are pixels that no measurement
// made: padding, which decoding has turned into exactly kAirHu, and what scanners
// write outside the field of view, far below air.
struct HounsfieldCounts {
  int64_t pixels = 0;
  int64_t air = 0;     // air or lung: -1100 to -700 HU
  int64_t tissue = 0;  // fat, water, muscle: -150 to 150 HU
};

HounsfieldCounts operator+(const HounsfieldCounts& a, const HounsfieldCounts& b);

struct SliceSummary {
  // The slice's number: its instance in the order sent, and its frame in that.
  int instance = 0;
  int frame = 0;

  InstanceHeader header;
  SliceGeometry geometry;
  double position_mm = 0;  // along the slice normal
  cv::Size size;           // as stored

  // Equal for equal pixels, and only for these but for chance, within one process.
  uint64_t pixel_digest = 0;
  bool blank = false;  // all pixels are the same

  Orientation orientation;
  CoarseGrid grid;  // of the image in the common orientation
  cv::Mat coarse;   // on the grid, in the common orientation
  HounsfieldCounts counts;
};

// Thread safety: may be called from any thread.
SliceSummary Summarise(int instance, const InstanceHeader& header, const HuSlice& slice);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_SLICE_SUMMARY_H_
