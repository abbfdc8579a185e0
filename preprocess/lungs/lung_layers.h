// SPDX-License-Identifier: Apache-2.0
// A study's coarse slices stacked into layers of a volume.
#ifndef M3LUNG_PREPROCESS_LUNGS_LUNG_LAYERS_H_
#define M3LUNG_PREPROCESS_LUNGS_LUNG_LAYERS_H_

#include <vector>

#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/lungs/lung_volume.h"
#include "preprocess/lungs/voxel_grid.h"

namespace m3lung {

struct LungLayers {
  VoxelGrid grid;
  VoxelHu hu;
  std::vector<int> layer_of_slice;
};

// Slices within about 2 mm make one layer, their mean: thin slices are noisy, and
// more layers would only cost time.
LungLayers StackLayers(absl::Span<const cv::Mat> coarse, absl::Span<const double> positions_mm,
                       const CoarseGrid& grid);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_LUNG_LAYERS_H_
