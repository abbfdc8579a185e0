// SPDX-License-Identifier: Apache-2.0
#include "preprocess/orientation.h"

#include <array>

#include "gmock/gmock.h"
#include "opencv2/core.hpp"

namespace m3lung {
namespace {

// The image whose pixel (row, column) holds the patient's point 10 * y + x, with y
// to the back and x to the left, both from 0: 3 x 4 in the common orientation.
// `geometry` gives the directions; position is that of the first pixel.
cv::Mat ImageOf(SliceGeometry& geometry) {
  const auto& along_row = geometry.row_direction;
  const auto& along_column = geometry.column_direction;
  const int columns = along_row[0] != 0 ? 4 : 3;
  const int rows = along_row[0] != 0 ? 3 : 4;
  const double x0 = along_row[0] + along_column[0] < 0 ? 3 : 0;
  const double y0 = along_row[1] + along_column[1] < 0 ? 2 : 0;
  cv::Mat image(rows, columns, CV_16SC1);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const double x = x0 + j * along_row[0] + i * along_column[0];
      const double y = y0 + j * along_row[1] + i * along_column[1];
      image.at<int16_t>(i, j) = static_cast<int16_t>(10 * y + x);
    }
  }
  return image;
}

TEST(OrientationTest, AllEightWaysComeOutTheSame) {
  for (const bool swapped : {false, true}) {
    for (const double x : {1.0, -1.0}) {
      for (const double y : {1.0, -1.0}) {
        SliceGeometry geometry;
        geometry.row_direction = {x, 0, 0};
        geometry.column_direction = {0, y, 0};
        if (swapped) std::swap(geometry.row_direction, geometry.column_direction);
        const cv::Mat stored = ImageOf(geometry);
        const Orientation orientation = OrientationOf(geometry);
        const cv::Mat common = ToCommonOrientation(stored, orientation);
        ASSERT_EQ(common.size(), cv::Size(4, 3));
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 4; ++j) EXPECT_EQ(common.at<int16_t>(i, j), 10 * i + j);
        }
        const cv::Mat back = FromCommonOrientation(common, orientation);
        ASSERT_EQ(back.size(), stored.size());
        EXPECT_EQ(cv::norm(back, stored, cv::NORM_INF), 0);

        // A box holds the same pixels either way.
        const cv::Rect box(1, 0, 2, 3);
        const cv::Rect there = FromCommonOrientation(box, stored.size(), orientation);
        EXPECT_EQ(ToCommonOrientation(there, stored.size(), orientation), box);
        EXPECT_EQ(
            cv::norm(ToCommonOrientation(stored(there), orientation), common(box), cv::NORM_INF),
            0);
      }
    }
  }
}

TEST(OrientationTest, TiltAndSmallTurnsDoNotMatter) {
  SliceGeometry geometry;
  geometry.row_direction = {0.97, 0.17, 0.17};
  geometry.column_direction = {-0.2, 0.9, 0.39};
  EXPECT_TRUE(OrientationOf(geometry).is_identity());
}

}  // namespace
}  // namespace m3lung
