// SPDX-License-Identifier: Apache-2.0
// Stomach and bowel, with what people have in them.
#ifndef M3LUNG_TRAINING_TRAINERS_BOWEL_H_
#define M3LUNG_TRAINING_TRAINERS_BOWEL_H_

#include "base/random.h"
#include "opencv2/core/mat.hpp"

namespace m3lung {

// Puts one to three stretches of gas, stool, food or fluid under gas where `hu` (CV_16SC1), a slice
// or a part of one of `slice_side` pixels, shows tissue all around; lung stays as it is, and so
// does what `mask` marks, where there is one (CV_8UC1). To a network that has never seen a meal, a
// full stomach is consolidation with air bronchograms.
void PutBowel(const cv::Mat* mask, int slice_side, Random& random, cv::Mat& hu);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_BOWEL_H_
