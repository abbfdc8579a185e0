// SPDX-License-Identifier: Apache-2.0
// The lungs of a study, found in its volume: the crop mode `volume`.
#ifndef M3LUNG_PREPROCESS_LUNGS_LUNG_VOLUME_H_
#define M3LUNG_PREPROCESS_LUNGS_LUNG_VOLUME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// The coarse grid that the lungs are sought on: an element is the mean of
// row_factor x column_factor pixels (fewer at the image's lower and right end).
struct CoarseGrid {
  cv::Size image;      // of the slices, in pixels
  int row_factor = 1;  // at least 1
  int column_factor = 1;
  double row_mm = 0;  // of an element
  double column_mm = 0;

  int rows() const { return (image.height + row_factor - 1) / row_factor; }
  int columns() const { return (image.width + column_factor - 1) / column_factor; }
};

// Elements of 2 to 4 mm where the pixels are smaller than that.
CoarseGrid GridFor(cv::Size image, double row_spacing_mm, double column_spacing_mm);

// `hu` (CV_16SC1, of the grid's image size) on the grid: rows() x columns(), CV_16SC1.
cv::Mat Coarsen(const cv::Mat& hu, const CoarseGrid& grid);

// Values of a lung mask's elements.
enum LungSide : uint8_t { kNoLung = 0, kRightLung = 1, kLeftLung = 2 };

struct LungVolume {
  // False where there are no lungs, or none that can be told; then nothing else
  // is set but `why_not` (for a person) and empty masks.
  bool found = false;
  std::string why_not;

  // One box for the study: around the lungs of all slices with a margin in mm,
  // in pixels of the image, in the common orientation.
  cv::Rect box;
  // One a slice, rows() x columns() of LungSide, CV_8UC1: lung with its lesions.
  // Empty (no elements) for a slice without lung.
  std::vector<cv::Mat> masks;
  int slices_with_lung = 0;
  double volume_ml = 0;
  // A side of which hardly any air is seen, as of a lung that is white as a whole:
  // the box takes in its place, mirrored from the other side; the masks do not.
  LungSide unseen_side = kNoLung;
  // The first or the last slice still shows much lung: the study ends within it.
  bool cut_at_head = false;
  bool cut_at_feet = false;
};

// Finds the lungs in coarse slices from head to feet, in the common orientation
// (preprocess/orientation.h), at these positions (mm along the slice normal,
// falling). Any number of slices from 1 on; all of the grid's size.
LungVolume FindLungs(absl::Span<const cv::Mat> coarse, absl::Span<const double> positions_mm,
                     const CoarseGrid& grid);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_LUNG_VOLUME_H_
