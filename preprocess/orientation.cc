// SPDX-License-Identifier: Apache-2.0
#include "preprocess/orientation.h"

#include <cmath>
#include <utility>

#include "opencv2/core.hpp"

namespace m3lung {
namespace {

cv::Mat Flip(const cv::Mat& image, bool rows, bool columns) {
  if (!rows && !columns) return image;
  cv::Mat flipped;
  cv::flip(image, flipped, rows && columns ? -1 : (rows ? 0 : 1));
  return flipped;
}

cv::Mat Transpose(const cv::Mat& image) {
  cv::Mat transposed;
  cv::transpose(image, transposed);
  return transposed;
}

cv::Rect Flip(cv::Rect box, cv::Size size, bool rows, bool columns) {
  if (rows) box.y = size.height - box.y - box.height;
  if (columns) box.x = size.width - box.x - box.width;
  return box;
}

cv::Rect Transpose(const cv::Rect& box) { return {box.y, box.x, box.height, box.width}; }

cv::Size CommonSize(cv::Size stored, const Orientation& orientation) {
  if (orientation.transpose) std::swap(stored.width, stored.height);
  return stored;
}

}  // namespace

Orientation OrientationOf(const SliceGeometry& geometry) {
  // row_direction is the way along a row: that of rising columns.
  const auto& along_row = geometry.row_direction;
  const auto& along_column = geometry.column_direction;
  Orientation orientation;
  orientation.transpose = std::abs(along_row[0]) + std::abs(along_column[1]) <
                          std::abs(along_row[1]) + std::abs(along_column[0]);
  const double to_left = orientation.transpose ? along_column[0] : along_row[0];
  const double to_back = orientation.transpose ? along_row[1] : along_column[1];
  orientation.flip_rows = to_back < 0;
  orientation.flip_columns = to_left < 0;
  return orientation;
}

cv::Mat ToCommonOrientation(const cv::Mat& image, const Orientation& orientation) {
  return Flip(orientation.transpose ? Transpose(image) : image, orientation.flip_rows,
              orientation.flip_columns);
}

cv::Mat FromCommonOrientation(const cv::Mat& image, const Orientation& orientation) {
  const cv::Mat unflipped = Flip(image, orientation.flip_rows, orientation.flip_columns);
  return orientation.transpose ? Transpose(unflipped) : unflipped;
}

cv::Rect ToCommonOrientation(const cv::Rect& box, cv::Size stored, const Orientation& orientation) {
  return Flip(orientation.transpose ? Transpose(box) : box, CommonSize(stored, orientation),
              orientation.flip_rows, orientation.flip_columns);
}

cv::Rect FromCommonOrientation(const cv::Rect& box, cv::Size stored,
                               const Orientation& orientation) {
  const cv::Rect unflipped =
      Flip(box, CommonSize(stored, orientation), orientation.flip_rows, orientation.flip_columns);
  return orientation.transpose ? Transpose(unflipped) : unflipped;
}

}  // namespace m3lung
