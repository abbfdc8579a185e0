// SPDX-License-Identifier: Apache-2.0
#include "report/plot.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "report/chart_parts.h"

namespace m3lung {
namespace {

constexpr double kTooClose = 0.002;  // to see on a screen
constexpr double kWidth = 450;
constexpr double kTop = 45;
constexpr double kLeft = 65;
constexpr double kSide = 360;
constexpr double kKeyTop = 458;
constexpr double kKeyLine = 18;
constexpr double kGreatestDot = 8;
constexpr double kLeastDot = 2;

// Where a point lies in the drawing.
cv::Point2d At(double x, double y) { return {kLeft + x * kSide, kTop + (1 - y) * kSide}; }

void AddAxes(Drawing& drawing, const Plot& plot) {
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    drawing.Add(Line{{At(tick, 0), At(tick, 1)}, StyleColour::kRule});
    drawing.Add(Text{absl::StrFormat("%.2f", tick), At(tick, 0) + cv::Point2d(0, 17), kAxisText,
                     Anchor::kMiddle});
  }
  AddShareAxis(drawing, {kLeft, kTop, kSide, kSide}, plot.y_label, 17);
  drawing.Add(Text{plot.x_label, At(0.5, 0) + cv::Point2d(0, 37), kAxisText, Anchor::kMiddle});
  if (plot.diagonal) AddDashedLine(drawing, At(0, 0), At(1, 1));
}

std::vector<PlotPoint> WithoutCrowds(const std::vector<PlotPoint>& points) {
  std::vector<PlotPoint> kept;
  for (size_t i = 0; i < points.size(); ++i) {
    const bool close = !kept.empty() && std::abs(points[i].x - kept.back().x) < kTooClose &&
                       std::abs(points[i].y - kept.back().y) < kTooClose;
    if (!close || i + 1 == points.size()) kept.push_back(points[i]);
  }
  return kept;
}

void AddSeries(Drawing& drawing, const PlotSeries& series) {
  Line line = {{}, series.colour, 1.5};
  std::vector<Dot> dots;
  for (const PlotPoint& point : WithoutCrowds(series.points)) {
    line.points.push_back(At(point.x, point.y));
    if (point.dot <= 0) continue;
    dots.push_back({line.points.back(), std::max(kLeastDot, kGreatestDot * point.dot),
                    series.colour, 0.7, point.remark});
  }
  drawing.Add(std::move(line));
  for (Dot& dot : dots) drawing.Add(std::move(dot));
}

}  // namespace

Drawing DrawPlot(const Plot& plot) {
  Drawing drawing = {
      {kWidth, kKeyTop + kKeyLine * static_cast<double>(plot.series.size())}, plot.title, {}};
  drawing.Add(Text{plot.title, {kLeft, 27}, {11, StyleColour::kInk, true}});
  AddAxes(drawing, plot);
  std::vector<KeyEntry> key;
  for (const PlotSeries& series : plot.series) {
    AddSeries(drawing, series);
    key.push_back({series.name, series.colour});
  }
  AddKey(drawing, key, {15, kKeyTop + 8}, {0, kKeyLine});
  return drawing;
}

}  // namespace m3lung
