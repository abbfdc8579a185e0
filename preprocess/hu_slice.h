// SPDX-License-Identifier: Apache-2.0
// One CT slice in Hounsfield units, and what of its header the analysis needs.
#ifndef M3LUNG_PREPROCESS_HU_SLICE_H_
#define M3LUNG_PREPROCESS_HU_SLICE_H_

#include <array>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// HU given to everything outside the scanner's field of view.
inline constexpr int kAirHu = -1000;

// What the distance between two pixels' centres is refused outside of: no scanner of
// people comes near to either.
inline constexpr double kMinSpacingMm = 0.01;
inline constexpr double kMaxSpacingMm = 100;

// Where a slice lies in the patient: DICOM's patient coordinates in mm, x to the
// patient's left, y to the back, z to the head.
struct SliceGeometry {
  std::array<double, 3> position = {};       // centre of the first pixel
  std::array<double, 3> row_direction = {};  // along a row, unit length
  std::array<double, 3> column_direction = {};
  double row_spacing_mm = 0;     // between rows
  double column_spacing_mm = 0;  // between columns

  // The unit normal of the slice plane, of the two the one that points to the head.
  std::array<double, 3> Normal() const;
  // Place along Normal(); larger is nearer to the head.
  double PositionAlongNormal() const;
};

struct HuSlice {
  cv::Mat hu;  // rows x columns, CV_16SC1, oriented as stored
  SliceGeometry geometry;
  int frame = 0;                      // of its instance, from 0
  std::string sop_instance_uid;       // as in the data set, empty where it has none
  std::string series_instance_uid;    // likewise
  std::vector<std::string> warnings;  // for a person, no patient data
};

// Indices into `positions_mm` from head to feet: by falling position along the
// slice normal, ties in the order given.
std::vector<int> OrderHeadToFeet(absl::Span<const double> positions_mm);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_HU_SLICE_H_
