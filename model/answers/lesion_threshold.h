// SPDX-License-Identifier: Apache-2.0
// When a slice is called one with lesions; alone, so that a client can say the same of an answer.
#ifndef M3LUNG_MODEL_ANSWERS_LESION_THRESHOLD_H_
#define M3LUNG_MODEL_ANSWERS_LESION_THRESHOLD_H_

namespace m3lung {

// A slice has lesions above this lesion probability. At it the network, whose classifier has two
// classes, still calls it lesion-free, and its location map shows what speaks for that.
inline constexpr float kLesionThreshold = 0.5F;

}  // namespace m3lung

#endif  // M3LUNG_MODEL_ANSWERS_LESION_THRESHOLD_H_
