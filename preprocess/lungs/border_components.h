// SPDX-License-Identifier: Apache-2.0
// Which parts of a mask are cut off by the image's border.
#ifndef M3LUNG_PREPROCESS_LUNGS_BORDER_COMPONENTS_H_
#define M3LUNG_PREPROCESS_LUNGS_BORDER_COMPONENTS_H_

#include "preprocess/lungs/bit_mask.h"

namespace m3lung {

// Clears the 8-connected components of `mask` that touch the image's border. Time
// and memory grow with the runs of set pixels, of which there are at most half as
// many as pixels.
void DropBorderComponents(BitMask& mask);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_LUNGS_BORDER_COMPONENTS_H_
