// SPDX-License-Identifier: Apache-2.0
// A loss that tells the slice network where the lesions are, beside the paper's two, which
// only tell it whether there are any. For trainings whose lesions are known pixel by pixel.
#ifndef M3LUNG_TRAINING_TRAINERS_MASK_LOSS_H_
#define M3LUNG_TRAINING_TRAINERS_MASK_LOSS_H_

#include "model/networks/slice_net.h"
#include "torch/types.h"

namespace m3lung {

// The sum of two means, a scalar:
// - over the cells of the location map, those with a lesion and those without counting
//   half each: cross-entropy of whether there is one, against the inner product with the
//   prototypes' difference, which the map is drawn from;
// - over slices with lesions: cross-entropy of the class in the cells of ResBlock4 that
//   hold some of it.
//
// `scores` of N slices; `covers` [N, g, g] float32, the share of each cell that lesions
// cover, -1 where it is not known; `labels` [N] int64.
// REQUIRES: the network is multi_task.
torch::Tensor MaskLoss(SliceNetImpl& net, const ImageScores& scores, const torch::Tensor& covers,
                       const torch::Tensor& labels);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_TRAINERS_MASK_LOSS_H_
