// SPDX-License-Identifier: Apache-2.0
// Slice summaries made by hand, and a chest that is hardly one.
#ifndef M3LUNG_TESTS_PREPROCESS_STUDY_SLICES_H_
#define M3LUNG_TESTS_PREPROCESS_STUDY_SLICES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "preprocess/study/slice_summary.h"

namespace m3lung::testing {

// An axial slice of 64 x 64 pixels of 5 mm at z: a body of 300 x 200 mm with two
// lungs where `lung` is set. No two have the same pixels, unless they are of the
// same z and `texture`.
inline HuSlice BodySlice(double z, bool lung = true, int texture = 0) {
  constexpr int kSide = 64;
  HuSlice slice;
  slice.hu.create(kSide, kSide, CV_16SC1);
  const auto in_ellipse = [](double x, double y, double cx, double cy, double rx, double ry) {
    return (x - cx) * (x - cx) / (rx * rx) + (y - cy) * (y - cy) / (ry * ry) < 1;
  };
  uint32_t noise =
      static_cast<uint32_t>(static_cast<int>(z * 1000)) * 2654435761U + texture * 40503U + 1;
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      const double x = (j - kSide / 2) * 5.0, y = (i - kSide / 2) * 5.0;
      int hu = -990;
      if (in_ellipse(x, y, 0, 0, 150, 100)) hu = 40;
      if (lung && (in_ellipse(x, y, -70, 0, 45, 70) || in_ellipse(x, y, 70, 0, 45, 70))) hu = -850;
      noise = noise * 1664525U + 1013904223U;
      slice.hu.at<int16_t>(i, j) = static_cast<int16_t>(hu + static_cast<int>(noise >> 28) - 8);
    }
  }
  slice.geometry = {.position = {-160, -160, z},
                    .row_direction = {1, 0, 0},
                    .column_direction = {0, 1, 0},
                    .row_spacing_mm = 5,
                    .column_spacing_mm = 5};
  return slice;
}

// Builds studies slice by slice; each slice is an instance of its own.
class StudyBuilder {
 public:
  InstanceHeader header = {.series_instance_uid = "1.2", .image_type = {"ORIGINAL", "PRIMARY"}};

  StudyBuilder& Add(const HuSlice& slice) {
    const int instance = static_cast<int>(slices_.size());
    InstanceHeader one = header;
    if (one.sop_instance_uid.empty() && unique_uids) {
      one.sop_instance_uid = "1.2.3." + std::to_string(instance);
    }
    slices_.push_back(Summarise(instance, one, slice));
    return *this;
  }

  // A whole chest: `count` slices `spacing` mm apart downwards from `top`, those of
  // the middle 80 % with lung.
  StudyBuilder& AddChest(int count, double spacing, double top = 100, int texture = 0) {
    for (int i = 0; i < count; ++i) {
      const bool lung = i >= count / 10 && i < count - count / 10;
      Add(BodySlice(top - i * spacing, lung, texture));
    }
    return *this;
  }

  const std::vector<SliceSummary>& slices() const { return slices_; }
  std::vector<SliceSummary>& slices() { return slices_; }

  bool unique_uids = true;

 private:
  std::vector<SliceSummary> slices_;
};

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_PREPROCESS_STUDY_SLICES_H_
