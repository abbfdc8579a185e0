// SPDX-License-Identifier: Apache-2.0
#include "client/report/chart.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/label_colours.h"

namespace m3lung::client {
namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 320;
constexpr double kLeft = 62;
constexpr double kRight = 985;
constexpr double kTop = 14;
constexpr double kBottom = 230;
constexpr double kStripTop = 240;
constexpr double kStripHeight = 16;

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

std::string Grid(const Axes& axes, int slices) {
  std::string svg;
  for (const double p : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    absl::StrAppend(
        &svg, absl::StrFormat("<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                              "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>",
                              p == 0.5 ? "half" : "rule", kLeft, kRight, Axes::Y(p), Axes::Y(p),
                              kLeft - 8, Axes::Y(p) + 4.5, p));
  }
  for (int i = 0; i < slices; i += TickStep(slices)) {
    absl::StrAppend(&svg,
                    absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>",
                                    axes.X(i), kStripTop + kStripHeight + 20, i));
  }
  absl::StrAppend(&svg, absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\">head</text>"
                                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">slice"
                                        "</text><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">"
                                        "feet</text>",
                                        kLeft, kHeight - 10, (kLeft + kRight) / 2, kHeight - 10,
                                        kRight, kHeight - 10));
  absl::StrAppend(&svg, absl::StrFormat("<text transform=\"translate(16 %.1f) rotate(-90)\" "
                                        "text-anchor=\"middle\">lesion probability</text>",
                                        (kTop + kBottom) / 2));
  return svg;
}

}  // namespace

std::string LesionChart(const google::protobuf::RepeatedPtrField<v1::SliceResult>& slices) {
  const Axes axes(slices.size());
  std::string line;
  std::string marks;
  bool pen_down = false;
  const double radius = std::clamp(axes.Step() * 0.4, 1.5, 4.5);
  for (int i = 0; i < slices.size(); ++i) {
    const v1::SliceResult& slice = slices[i];
    const std::string colour =
        ColourOf(slice.scored() ? slice.label() : v1::LABEL_UNSPECIFIED).Css();
    const std::string title =
        slice.scored()
            ? absl::StrFormat("Slice %d, z %.1f mm: %s, lesion %.3f", i, slice.position_mm(),
                              std::string(LabelName(slice.label())), slice.lesion_probability())
            : absl::StrFormat("Slice %d, z %.1f mm: no lung, not scored", i, slice.position_mm());
    absl::StrAppend(
        &marks, absl::StrFormat("<rect shape-rendering=\"crispEdges\" x=\"%.2f\" y=\"%.1f\" "
                                "width=\"%.2f\" height=\"%.1f\" fill=\"%s\""
                                "%s><title>%s</title></rect>",
                                axes.X(i) - axes.Step() / 2, kStripTop, axes.Step(), kStripHeight,
                                colour, slice.scored() ? "" : " fill-opacity=\"0.3\"", title));
    if (!slice.scored()) {
      pen_down = false;
      continue;
    }
    const double y = Axes::Y(slice.lesion_probability());
    absl::StrAppend(&line, pen_down ? "L" : "M", absl::StrFormat("%.1f %.1f", axes.X(i), y));
    pen_down = true;
    absl::StrAppend(&marks, absl::StrFormat("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" "
                                            "fill=\"%s\"><title>%s</title></circle>",
                                            axes.X(i), y, radius, colour, title));
  }
  return absl::StrCat("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 ", kWidth, " ", kHeight,
                      "\" aria-label=\"Lesion probability of each slice from head to feet\">",
                      Grid(axes, slices.size()), "<path class=\"course\" d=\"", line, "\"/>", marks,
                      "</svg>\n");
}

}  // namespace m3lung::client
