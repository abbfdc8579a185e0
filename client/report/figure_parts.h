// SPDX-License-Identifier: Apache-2.0
// What page and figure both show.
#ifndef M3LUNG_CLIENT_REPORT_FIGURE_PARTS_H_
#define M3LUNG_CLIENT_REPORT_FIGURE_PARTS_H_

#include "client/report/sampled_slices.h"
#include "m3lung/v1/results.pb.h"
#include "report/drawing.h"

namespace m3lung::client {

// Between a slice and its map beneath.
inline constexpr int kTileGap = 4;

// A slice, and its map beneath with the label on its upper right; words where a
// picture is missing. As wide as a tile.
Drawing SliceFigure(const SampledSlice& sample);

// The four probabilities; without rows where none is given.
Drawing ProbabilityBars(const v1::PatientResult& patient);

// The colours of location maps from 0 to 1.
Drawing ColourScale();

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_FIGURE_PARTS_H_
