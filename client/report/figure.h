// SPDX-License-Identifier: Apache-2.0
// The report as one picture, after the M3Lung-Sys paper's Figures 11 and 12.
#ifndef M3LUNG_CLIENT_REPORT_FIGURE_H_
#define M3LUNG_CLIENT_REPORT_FIGURE_H_

#include <vector>

#include "client/report/figure_parts.h"
#include "client/report/sampled_slices.h"
#include "m3lung/v1/results.pb.h"
#include "report/drawing.h"

namespace m3lung::client {

// Pictures in one row of the figure.
inline constexpr int kFigureColumns = 6;
// In pixels, as a picture by itself.
inline constexpr int kFigureWidth = 2300;
inline constexpr int kFigureRowHeight = 2 * kTileHeight + kTileGap + 28;

// The patient's result and the model's notice on top; the sampled slices from
// head to feet, each with its map beneath, the label on the map's upper right;
// the patient's four probabilities at the end. kFigureWidth wide; the height grows by
// kFigureRowHeight for each row of pictures.
Drawing StudyFigure(const v1::PatientResult& patient, const std::vector<SampledSlice>& samples);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_FIGURE_H_
