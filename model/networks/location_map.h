// SPDX-License-Identifier: Apache-2.0
// The lesion location map: how close each point of a feature is to the prototype
// of the predicted class.
//
// Source: the paper, section III-B.2; the measure: docs/adr/0004-location-map.md.
#ifndef M3LUNG_MODEL_NETWORKS_LOCATION_MAP_H_
#define M3LUNG_MODEL_NETWORKS_LOCATION_MAP_H_

#include "model/networks/map_measure.h"
#include "torch/types.h"

namespace m3lung {

// `feature` [N, C, H, W]; `prototypes` [2, C], row 0 without lesion, row 1 with;
// `predicted` [N], int64, the row that each map is drawn for. Returns [N, H, W],
// each map stretched to [0, 1] by its own least and greatest value; all zeros
// where these are equal. The prototypes get no gradient from it, so that the map
// cannot pull the classifier about; the feature does.
//
// Can be traced for any N: no size enters the graph.
torch::Tensor LocationMaps(const torch::Tensor& feature, const torch::Tensor& prototypes,
                           const torch::Tensor& predicted, MapMeasure measure);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_LOCATION_MAP_H_
