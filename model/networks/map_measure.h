// SPDX-License-Identifier: Apache-2.0
// By what a location map compares a point of a feature with a prototype, without LibTorch
// (docs/adr/0004-location-map.md).
#ifndef M3LUNG_MODEL_NETWORKS_MAP_MEASURE_H_
#define M3LUNG_MODEL_NETWORKS_MAP_MEASURE_H_

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

enum class MapMeasure {
  kInnerProduct,  // with the predicted prototype minus the other one
  kCosine,        // of the angle to the predicted prototype
  kEuclidean,     // distance to the predicted prototype, negative
};
inline constexpr std::array<MapMeasure, 3> kMapMeasures = {
    MapMeasure::kInnerProduct, MapMeasure::kCosine, MapMeasure::kEuclidean};

// "inner_product", "cosine", "euclidean": the names in manifests and checkpoints.
absl::string_view MapMeasureName(MapMeasure measure);
// INVALID_ARGUMENT lists the names.
absl::StatusOr<MapMeasure> ParseMapMeasure(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_MAP_MEASURE_H_
