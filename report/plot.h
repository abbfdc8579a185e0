// SPDX-License-Identifier: Apache-2.0
// Plots of shares against shares: both axes go from 0 to 1.
#ifndef M3LUNG_REPORT_PLOT_H_
#define M3LUNG_REPORT_PLOT_H_

#include <string>
#include <vector>

#include "report/colour.h"
#include "report/drawing.h"

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

// Pixels to the unit of a plot that is a picture by itself.
inline constexpr double kPlotScale = 2;

// Title, square and, beneath, the key. Points too close to tell apart are left out.
Drawing DrawPlot(const Plot& plot);

}  // namespace m3lung

#endif  // M3LUNG_REPORT_PLOT_H_
