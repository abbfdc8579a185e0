// SPDX-License-Identifier: Apache-2.0
// Images of one patient in each of the eight ways that an axial image can lie, described by the
// patient's coordinates alone.
#ifndef M3LUNG_TESTS_TESTING_TURNED_IMAGE_H_
#define M3LUNG_TESTS_TESTING_TURNED_IMAGE_H_

#include <array>
#include <utility>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "preprocess/hu_slice.h"

namespace m3lung::testing {

// `width` pixels from the patient's right to the left, `height` from the front to the back, 1 mm
// each. A patient's point is (x to the left, y to the back), in pixels from the first one's middle.
struct TurnedImage {
  int width = 0;
  int height = 0;
  bool swapped = false;   // rows run from front to back, or back
  bool leftwards = true;  // x rises with the index that runs along it
  bool backwards = true;  // likewise y

  // As stored.
  cv::Size size() const { return swapped ? cv::Size(height, width) : cv::Size(width, height); }

  // The patient's point under stored pixel (row, column).
  cv::Point PatientAt(int row, int column) const {
    const int along_x = swapped ? row : column, along_y = swapped ? column : row;
    return {leftwards ? along_x : width - 1 - along_x, backwards ? along_y : height - 1 - along_y};
  }

  SliceGeometry geometry(double z_mm = 0) const {
    const std::array<double, 3> x = {leftwards ? 1.0 : -1.0, 0, 0};
    const std::array<double, 3> y = {0, backwards ? 1.0 : -1.0, 0};
    const cv::Point first = PatientAt(0, 0);
    return {.position = {static_cast<double>(first.x), static_cast<double>(first.y), z_mm},
            .row_direction = swapped ? y : x,
            .column_direction = swapped ? x : y,
            .row_spacing_mm = 1,
            .column_spacing_mm = 1};
  }

  // The image whose pixels are `value(x, y)` of the patient's points, int16.
  template <typename Value>
  cv::Mat Draw(const Value& value) const {
    cv::Mat image(size(), CV_16SC1);
    for (int row = 0; row < image.rows; ++row) {
      for (int column = 0; column < image.cols; ++column) {
        const cv::Point patient = PatientAt(row, column);
        image.at<int16_t>(row, column) = static_cast<int16_t>(value(patient.x, patient.y));
      }
    }
    return image;
  }
};

inline std::vector<TurnedImage> AllEightWays(int width, int height) {
  std::vector<TurnedImage> ways;
  for (const bool swapped : {false, true}) {
    for (const bool leftwards : {true, false}) {
      for (const bool backwards : {true, false}) {
        ways.push_back({width, height, swapped, leftwards, backwards});
      }
    }
  }
  return ways;
}

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TESTING_TURNED_IMAGE_H_
