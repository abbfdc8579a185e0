// SPDX-License-Identifier: Apache-2.0
// How much of the lungs a study's lesion maps show as affected: an estimate.
#ifndef M3LUNG_MODEL_ANSWERS_AFFECTED_LUNG_H_
#define M3LUNG_MODEL_ANSWERS_AFFECTED_LUNG_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "model/engine/inference.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/lungs/lung_volume.h"

namespace m3lung {

// Of a slice with lesions, lung is affected where the location map, stretched over [0, 1], is at
// least at this level.
inline constexpr float kAffectedMapLevel = 0.5F;

// Elements of one slice's lung mask.
struct LungCounts {
  double position_mm = 0;
  // By LungSide, entry 0 unused.
  std::array<int64_t, 3> lung = {};
  std::array<int64_t, 3> affected = {};

  // In [0, 1]; nothing where there is no lung.
  std::optional<float> Share() const;
};

// `mask`: of the slice on `grid`, LungSide elements, may be empty. `box`: what the
// map covers, in pixels of the image in the common orientation, as mask and map are.
LungCounts CountAffected(const cv::Mat& mask, const CoarseGrid& grid, const cv::Rect& box,
                         const SliceScores& scores);

// Shares in [0, 1]; nothing where there is no lung of that part.
struct AffectedLung {
  float whole = 0;
  std::optional<float> left, right;
  // By height between the first and the last slice with lung.
  std::optional<float> upper_third, middle_third, lower_third;
};

// Over slices from head to feet; nothing where none shows lung.
std::optional<AffectedLung> SumAffected(absl::Span<const LungCounts> slices);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ANSWERS_AFFECTED_LUNG_H_
