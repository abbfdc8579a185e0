// SPDX-License-Identifier: Apache-2.0
#include "model/networks/map_measure.h"

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::string_view MapMeasureName(MapMeasure measure) {
  switch (measure) {
    case MapMeasure::kInnerProduct:
      return "inner_product";
    case MapMeasure::kCosine:
      return "cosine";
    case MapMeasure::kEuclidean:
      return "euclidean";
  }
  return "";
}

absl::StatusOr<MapMeasure> ParseMapMeasure(absl::string_view name) {
  for (const MapMeasure measure : kMapMeasures) {
    if (name == MapMeasureName(measure)) return measure;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "map measure must be \"inner_product\", \"cosine\" or \"euclidean\"; was \"", name, "\""));
}

}  // namespace m3lung
