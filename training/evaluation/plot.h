// SPDX-License-Identifier: Apache-2.0
// Plots of shares against shares: both axes go from 0 to 1.
#ifndef M3LUNG_TRAINING_EVALUATION_PLOT_H_
#define M3LUNG_TRAINING_EVALUATION_PLOT_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "opencv2/core/mat.hpp"
#include "page/colour.h"

namespace m3lung {

struct PlotPoint {
  double x = 0;
  double y = 0;
  // Radius of the dot, as a share of the greatest; 0: no dot.
  double dot = 0;
  std::string remark;  // shown by a browser when pointed at; only of a dot
};

struct PlotSeries {
  std::string name;  // for the key
  Colour colour;
  std::vector<PlotPoint> points;  // joined by a line, in this order
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<PlotSeries> series;
  // A pale line from corner to corner: what chance, or perfect calibration, gives.
  bool diagonal = true;
};

// As inline SVG, in the colours of the page around it, and its key, a list. Points
// too close to tell apart are left out.
std::string PlotSvg(const Plot& plot);

// As a picture by itself, CV_8UC3 on white, with title and key.
cv::Mat DrawPlot(const Plot& plot);

// The same as a PNG file.
absl::Status WritePlot(const Plot& plot, const std::filesystem::path& path);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_PLOT_H_
