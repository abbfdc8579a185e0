// SPDX-License-Identifier: Apache-2.0
// What figures have in common.
#ifndef M3LUNG_REPORT_CHART_PARTS_H_
#define M3LUNG_REPORT_CHART_PARTS_H_

#include <string>
#include <vector>

#include "report/drawing.h"

namespace m3lung {

enum class Corner { kTopLeft, kTopRight, kBottomLeft, kMiddleLeft, kMiddleRight };

// Text on a dark plate in a corner of `within`, or half way down one side.
void AddPlate(Drawing& drawing, const std::string& text, const cv::Rect2d& within, Corner corner,
              const TextStyle& style);

void AddDashedLine(Drawing& drawing, const cv::Point2d& from, const cv::Point2d& to);

// Text of axes and keys.
inline constexpr TextStyle kAxisText = {9.5, StyleColour::kFaint, false};

// A scale of shares from 0, the lower edge of `plot`, to 1, with a line across it at
// each quarter. `label` stands upright at `label_x`.
void AddShareAxis(Drawing& drawing, const cv::Rect2d& plot, const std::string& label,
                  double label_x);

struct KeyEntry {
  std::string name;
  Paint paint;
  double opacity = 1;
};

// Which colour is what: the first entry's base line begins at `first`, the next ones
// a `step` further each.
void AddKey(Drawing& drawing, const std::vector<KeyEntry>& entries, cv::Point2d first,
            const cv::Point2d& step);

struct Bar {
  std::string name;
  double share = 0;  // of its track; beyond [0, 1] the bar ends with it
  Paint paint;
  std::string value;  // `share` in digits
  bool bold = false;
};

struct BarLayout {
  double length = 1000;  // of a track
  double height = 30;    // likewise
  double step = 52;      // from one bar to the next
};

// A row for each bar: its name, its track, its value.
Drawing BarChart(const std::string& title, const std::vector<Bar>& bars, const BarLayout& layout);

}  // namespace m3lung

#endif  // M3LUNG_REPORT_CHART_PARTS_H_
