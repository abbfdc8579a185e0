// The patient's body in a coarse volume.
#ifndef M3LUNG_PREPROCESS_BODY_MASK_H_
#define M3LUNG_PREPROCESS_BODY_MASK_H_

#include "preprocess/voxel_grid.h"

namespace m3lung {

struct Body {
  // The body with what it encloses, lungs and gas included, without table, clothes,
  // tubes and the air around. All false where there is no body.
  VoxelMask inside;
  VoxelMask thick;  // the parts that the body was told by
};

// The patient is the thick thing. Shells of tables, clothes and tubes are thin, so
// they do not survive that a dozen millimetres are worn off tissue; the body does,
// and is grown back from what is left. The air around comes in from the border
// through gaps too wide for a wound or a thin spot of the chest wall.
Body FindBody(const VoxelGrid& grid, const VoxelHu& hu);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_BODY_MASK_H_
