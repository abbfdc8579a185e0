// SPDX-License-Identifier: Apache-2.0
// Right and left lung, each with what its air encloses.
#ifndef M3LUNG_PREPROCESS_LUNGS_LUNG_SIDES_H_
#define M3LUNG_PREPROCESS_LUNGS_LUNG_SIDES_H_

#include "preprocess/lungs/voxel_grid.h"

namespace m3lung {

// Takes from `lung` what in a layer stands alone near the midline, is small and as
// thin as gas: trachea and main bronchi.
void DropAirways(const VoxelGrid& grid, const VoxelHu& hu, double midline_column, VoxelMask& lung);

// LungSide of each element of `lung`. In each layer the sides part along the way from
// front to back that crosses the least lung, within reach of the midline: around the
// mediastinum, and along the septum where the lungs meet. A region of `regions`
// (labels from 1 on) that lies almost wholly on one side belongs to it.
VoxelMask SplitSides(const VoxelGrid& grid, const VoxelHu& hu, const VoxelMask& lung,
                     const VoxelLabels& regions, double midline_column);

// Fills, in each layer and side of `sides`, bays of some millimetres and whatever is
// enclosed: vessels and lesions.
void FillSides(const VoxelGrid& grid, VoxelMask& sides);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_LUNG_SIDES_H_
