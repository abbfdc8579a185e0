// SPDX-License-Identifier: Apache-2.0
// Which way up an image lies, and how to turn it.
#ifndef M3LUNG_PREPROCESS_ORIENTATION_H_
#define M3LUNG_PREPROCESS_ORIENTATION_H_

#include "opencv2/core/mat.hpp"
#include "preprocess/hu_slice.h"

namespace m3lung {

// The steps, in this order, that bring an axial image as stored into the one
// orientation that crop and networks know: rows from the patient's front to the
// back, columns from the patient's right to the left, so as radiologists see a
// patient who lies on the back. Prone, decubitus and mirrored images differ.
struct Orientation {
  bool transpose = false;
  bool flip_rows = false;     // then top and bottom change places
  bool flip_columns = false;  // then left and right do

  bool is_identity() const { return !transpose && !flip_rows && !flip_columns; }
  bool operator==(const Orientation&) const = default;
};

// By the nearest of the eight ways, so that tilt and small turns do not matter.
Orientation OrientationOf(const SliceGeometry& geometry);

// `image` (any type) brought to the common orientation. May share its pixels.
cv::Mat ToCommonOrientation(const cv::Mat& image, const Orientation& orientation);

// The way back, for an image or a map in the common orientation.
cv::Mat FromCommonOrientation(const cv::Mat& image, const Orientation& orientation);

// A box in an image as stored, of this size, in the common orientation; and back.
cv::Rect ToCommonOrientation(const cv::Rect& box, cv::Size stored, const Orientation& orientation);
cv::Rect FromCommonOrientation(const cv::Rect& box, cv::Size stored,
                               const Orientation& orientation);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_ORIENTATION_H_
