// SPDX-License-Identifier: Apache-2.0
// How well location maps lie on lesions that are known.
#ifndef M3LUNG_TRAINING_EVALUATION_MAP_SCORES_H_
#define M3LUNG_TRAINING_EVALUATION_MAP_SCORES_H_

#include <array>
#include <vector>

#include "model/engine/inference.h"
#include "opencv2/core/mat.hpp"
#include "training/evaluation/bootstrap.h"

namespace m3lung {

// A map of at least 0.01, 0.02, ... 0.99 is taken for lesion.
inline constexpr int kMapThresholds = 99;
inline float MapThreshold(int i) { return static_cast<float>(i + 1) / 100; }

// One slice's map against its mask.
struct MapResult {
  int study = 0;
  bool hit = false;              // the map's highest pixel lies in a lesion, or half a cell from it
  double average_precision = 0;  // of the pixels, ranked by the map
  double lesion_share = 0;       // of all pixels: the average precision of a map by chance
  std::array<double, kMapThresholds> overlap = {};  // intersection over union at each threshold
};

// `mask` (CV_8UC1, not 0 where there is a lesion) has at least one lesion pixel; the
// map is laid over it bilinearly, its cells as wide as they were for the network.
MapResult ScoreMap(const LocationMap& map, const cv::Mat& mask, int study);

// Over the slices that show a lesion and were called so: the map of a slice that was
// called lesion-free shows what speaks for that, and nothing of a lesion.
struct MapScores {
  int lesion_slices = 0;  // that show a lesion
  int mapped_slices = 0;  // of those, called so
  Estimate pointing;      // share of hits
  Estimate overlap;       // mean intersection over union at `threshold`
  // The one threshold for all slices at which the mean is greatest. It is chosen on
  // these very slices, which flatters the overlap a little; the interval takes it
  // as given.
  double threshold = 0;
  Estimate average_precision;   // mean over slices
  double chance_precision = 0;  // what a map by chance would have
};

// `lesion_slices`: all that show a lesion, whether they were called so or not.
MapScores SummariseMaps(const std::vector<MapResult>& results, int lesion_slices,
                        const Resamples& resamples);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_MAP_SCORES_H_
