// SPDX-License-Identifier: Apache-2.0
#include "report/chart_parts.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace m3lung {
namespace {

constexpr double kTextHeight = 20;  // of a bar's name and value
constexpr double kNameWidth = 220;
constexpr double kValueWidth = 140;

}  // namespace

void AddPlate(Drawing& drawing, const std::string& text, const cv::Rect2d& within, Corner corner,
              const TextStyle& style) {
  constexpr double kPadding = 7;
  // Browsers' bold letters are wider than those of DrawText().
  const double width = TextWidth(text, style) * (style.bold ? 1.15 : 1);
  const cv::Size2d size(width + 2 * kPadding, style.height + 2 * kPadding);
  const cv::Size2d room = within.size() - size;
  const bool right = corner == Corner::kTopRight || corner == Corner::kMiddleRight;
  const bool middle = corner == Corner::kMiddleLeft || corner == Corner::kMiddleRight;
  const cv::Point2d at(within.x + (right ? room.width : 0),
                       within.y + (corner == Corner::kBottomLeft ? room.height
                                   : middle                      ? room.height / 2
                                                                 : 0));
  drawing.Add(Box{cv::Rect2d(at, size) & within, kBlack, 0.75, ""});
  drawing.Add(
      Text{text, at + cv::Point2d(size.width / 2, size.height - kPadding), style, Anchor::kMiddle});
}

void AddDashedLine(Drawing& drawing, const cv::Point2d& from, const cv::Point2d& to) {
  constexpr double kDash = 5;  // and the gap after it
  const double length = cv::norm(to - from);
  const int dashes = static_cast<int>(std::ceil(length / (2 * kDash)));
  for (int i = 0; i < dashes; ++i) {
    const double begin = 2 * kDash * i;
    const double end = std::min(begin + kDash, length);
    drawing.Add(Line{{from + (to - from) * (begin / length), from + (to - from) * (end / length)},
                     StyleColour::kFaint});
  }
}

void AddShareAxis(Drawing& drawing, const cv::Rect2d& plot, const std::string& label,
                  double label_x) {
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const cv::Point2d left(plot.x, plot.br().y - share * plot.height);
    drawing.Add(Line{{left, {plot.br().x, left.y}}, StyleColour::kRule});
    drawing.Add(
        Text{absl::StrFormat("%.2f", share), left + cv::Point2d(-7, 4.5), kAxisText, Anchor::kEnd});
  }
  drawing.Add(Text{label,
                   {label_x, plot.y + plot.height / 2},
                   kAxisText,
                   Anchor::kMiddle,
                   /*upwards=*/true});
}

void AddKey(Drawing& drawing, const std::vector<KeyEntry>& entries, cv::Point2d first,
            const cv::Point2d& step) {
  constexpr double kHeight = kAxisText.height;
  for (const KeyEntry& entry : entries) {
    drawing.Add(
        Box{{first.x, first.y - kHeight, kHeight, kHeight}, entry.paint, entry.opacity, ""});
    drawing.Add(Text{entry.name, first + cv::Point2d(1.6 * kHeight, 0), {kHeight}});
    first += step;
  }
}

Drawing BarChart(const std::string& title, const std::vector<Bar>& bars, const BarLayout& layout) {
  Drawing drawing = {
      {kNameWidth + layout.length + kValueWidth, layout.step * static_cast<double>(bars.size())},
      title,
      {}};
  double top = (layout.step - layout.height) / 2;
  for (const Bar& bar : bars) {
    const TextStyle style = {kTextHeight, StyleColour::kInk, bar.bold};
    const double base = top + (layout.height + kTextHeight) / 2;
    cv::Rect2d place(kNameWidth, top, layout.length, layout.height);
    drawing.Add(Text{bar.name, {0, base}, style});
    drawing.Add(Box{place, StyleColour::kTrack});
    place.width *= std::clamp(bar.share, 0.0, 1.0);
    drawing.Add(Box{place, bar.paint});
    drawing.Add(Text{bar.value, {drawing.size.width, base}, style, Anchor::kEnd});
    absl::StrAppend(&drawing.title, &bar == &bars.front() ? ": " : ", ", bar.name, " ", bar.value);
    top += layout.step;
  }
  return drawing;
}

}  // namespace m3lung
