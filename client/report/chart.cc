// SPDX-License-Identifier: Apache-2.0
#include "client/report/chart.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/label_colours.h"
#include "model/answers/lesion_threshold.h"
#include "report/chart_parts.h"

namespace m3lung::client {
namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 345;
constexpr double kNamesBase = 310;  // of what the axis means
constexpr double kKeyBase = 338;
constexpr double kLeft = 62;
constexpr double kRight = 985;
constexpr double kTop = 14;
constexpr double kBottom = 230;
constexpr double kStripTop = 240;
constexpr double kStripHeight = 16;
constexpr double kUnscoredOpacity = 0.3;

class Axes {
 public:
  explicit Axes(int slices) : slices_(slices) {}

  double Step() const { return (kRight - kLeft) / std::max(1, slices_); }
  // Middle of a slice's place.
  double X(int i) const { return kLeft + (i + 0.5) * Step(); }
  static double Y(double probability) {
    return kBottom - std::clamp(probability, 0.0, 1.0) * (kBottom - kTop);
  }

 private:
  const int slices_;
};

// Between labels on the axis, so that at most about twelve stand there.
int TickStep(int slices) {
  for (const int step : {1, 2, 5, 10, 20, 50, 100, 200, 500}) {
    if (slices <= 12 * step) return step;
  }
  return 1000;
}

void AddGrid(Drawing& drawing, const Axes& axes, int slices) {
  AddShareAxis(drawing, {kLeft, kTop, kRight - kLeft, kBottom - kTop}, "lesion probability", 16);
  AddDashedLine(drawing, {kLeft, Axes::Y(kLesionThreshold)}, {kRight, Axes::Y(kLesionThreshold)});
  for (int i = 0; i < slices; i += TickStep(slices)) {
    drawing.Add(Text{
        absl::StrCat(i), {axes.X(i), kStripTop + kStripHeight + 20}, kAxisText, Anchor::kMiddle});
  }
  drawing.Add(Text{"head", {kLeft, kNamesBase}, kAxisText});
  drawing.Add(Text{"slice", {(kLeft + kRight) / 2, kNamesBase}, kAxisText, Anchor::kMiddle});
  drawing.Add(Text{"feet", {kRight, kNamesBase}, kAxisText, Anchor::kEnd});
}

std::string HintOf(const v1::SliceResult& slice, int i) {
  const std::string place = absl::StrFormat("Slice %d, z %.1f mm: ", i, slice.position_mm());
  if (!slice.scored()) return absl::StrCat(place, "no lung, not scored");
  return absl::StrCat(place, LabelName(slice.label()),
                      absl::StrFormat(", lesion %.3f", slice.lesion_probability()));
}

void AddLabelKey(Drawing& drawing) {
  std::vector<KeyEntry> key;
  key.reserve(std::size(kLabels) + 1);
  for (const v1::Label label : kLabels) {
    key.push_back({std::string(LabelName(label)), ColourOf(label)});
  }
  key.push_back({"no lung, not scored", ColourOf(v1::LABEL_UNSPECIFIED), kUnscoredOpacity});
  AddKey(drawing, key, {kLeft, kKeyBase}, {130, 0});
}

}  // namespace

Drawing LesionChart(const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices) {
  const Axes axes(slices.size());
  Drawing drawing = {{kWidth, kHeight}, "Lesion probability of each slice from head to feet", {}};
  AddGrid(drawing, axes, slices.size());
  std::vector<Line> course;
  std::vector<Dot> dots;
  bool pen_down = false;
  const double radius = std::clamp(axes.Step() * 0.4, 1.5, 4.5);
  for (int i = 0; i < slices.size(); ++i) {
    const v1::SliceResult& slice = slices[i];
    const Colour colour = ColourOf(slice.scored() ? slice.label() : v1::LABEL_UNSPECIFIED);
    const std::string hint = HintOf(slice, i);
    drawing.Add(Box{{axes.X(i) - axes.Step() / 2, kStripTop, axes.Step(), kStripHeight},
                    colour,
                    slice.scored() ? 1 : kUnscoredOpacity,
                    hint});
    if (slice.scored()) {
      if (!pen_down) course.push_back({{}, StyleColour::kFaint, 1.5});
      const cv::Point2d point(axes.X(i), Axes::Y(slice.lesion_probability()));
      course.back().points.push_back(point);
      dots.push_back({point, radius, colour, 1, hint});
    }
    pen_down = slice.scored();
  }
  for (Line& line : course) drawing.Add(std::move(line));
  for (Dot& dot : dots) drawing.Add(std::move(dot));
  AddLabelKey(drawing);
  return drawing;
}

}  // namespace m3lung::client
