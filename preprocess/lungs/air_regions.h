// SPDX-License-Identifier: Apache-2.0
// The air inside the body, in regions: which of them are lung.
#ifndef M3LUNG_PREPROCESS_LUNGS_AIR_REGIONS_H_
#define M3LUNG_PREPROCESS_LUNGS_AIR_REGIONS_H_

#include <vector>

#include "preprocess/lungs/body_mask.h"
#include "preprocess/lungs/voxel_grid.h"

namespace m3lung {

// Thinner than any lung but the worst emphysema.
inline constexpr int kGasBelowHu = -930;

// A region of air that only narrow ways join to others.
struct AirRegion {
  double volume_ml = 0;
  double largest_cm2 = 0;  // of its cross-sections
  int first_layer = 0;
  int last_layer = 0;
  // Of its middle, where no wall takes part in an element's mean:
  double mean_hu = 0;
  double gas_share = 0;  // how much is as thin as gas
  // How much of it has thick tissue in front of it, and behind it.
  double covered_in_front = 0;
  double covered_behind = 0;
  bool at_border = false;    // of the image
  std::vector<int> touches;  // indices of other regions
};

struct AirRegions {
  VoxelLabels labels;              // 0, or 1 + an index into `regions`
  std::vector<AirRegion> regions;  // in the order of their first elements
};

AirRegions FindAirRegions(const VoxelGrid& grid, const VoxelHu& hu, const Body& body);

// Which regions are aerated lung: the large ones that are no gas, and what belongs
// to them; none where there are no large ones.
std::vector<bool> LungRegions(const VoxelGrid& grid, const std::vector<AirRegion>& regions);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_AIR_REGIONS_H_
