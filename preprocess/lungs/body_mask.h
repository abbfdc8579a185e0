// SPDX-License-Identifier: Apache-2.0
// The patient's body in a coarse volume.
#ifndef M3LUNG_PREPROCESS_LUNGS_BODY_MASK_H_
#define M3LUNG_PREPROCESS_LUNGS_BODY_MASK_H_

#include "preprocess/lungs/voxel_grid.h"

namespace m3lung {

struct Body {
  // All tissue, and what it encloses. Not the patient's alone: there may be a table
  // with what is in it and on it.
  VoxelMask enclosed;
  // The thick parts of tissue, which are the patient's. Shells of tables, clothes and
  // tubes are thin, as the wall of a slender chest is in places. All false where there
  // is no body.
  VoxelMask thick;
};

// Air is outside where it comes in from the border through gaps too wide for a wound,
// or for a thin spot of the chest wall.
Body FindBody(const VoxelGrid& grid, const VoxelHu& hu);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_BODY_MASK_H_
