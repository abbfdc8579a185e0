// SPDX-License-Identifier: Apache-2.0
// Two sets of slices told apart by nothing but how they lie.
#ifndef M3LUNG_PREPROCESS_STUDY_INTERLEAVED_GRIDS_H_
#define M3LUNG_PREPROCESS_STUDY_INTERLEAVED_GRIDS_H_

#include <optional>
#include <vector>

namespace m3lung {

// Of each of `positions_mm` (in any order) whether it is of the second of two regular grids of one
// spacing that lie within one another, as those of two passes of a scanner do; nothing where the
// positions are not such a pair. Two grids of which one lies in the middle of the other are one
// grid of half the spacing, and so are those that are no further from it than positions are
// rounded.
std::optional<std::vector<bool>> FindInterleavedGrids(const std::vector<double>& positions_mm);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_INTERLEAVED_GRIDS_H_
