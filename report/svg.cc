// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/picture_files.h"
#include "report/drawing.h"
#include "report/html.h"

namespace m3lung {
namespace {

// Artefacts cannot be seen at this quality, and a page of 200 slices stays small.
constexpr int kJpegQuality = 90;
// To the height of a capital. What fits in pixels then fits in a browser, whichever
// sans-serif font it has.
constexpr double kFontSize = 1.4;

// Two decimals at most.
std::string Number(double value) { return absl::StrCat(std::round(value * 100) / 100 + 0.0); }

std::string Attribute(absl::string_view name, double value) {
  return absl::StrCat(" ", name, "=\"", Number(value), "\"");
}

std::string Attribute(absl::string_view name, absl::string_view value) {
  return absl::StrCat(" ", name, "=\"", EscapeHtml(value), "\"");
}

std::string PlaceOf(const cv::Rect2d& place) {
  return absl::StrCat(Attribute("x", place.x), Attribute("y", place.y),
                      Attribute("width", place.width), Attribute("height", place.height));
}

std::string Fill(const Paint& paint, double opacity = 1) {
  return absl::StrCat(Attribute("fill", CssOf(paint)),
                      opacity < 1 ? Attribute("fill-opacity", opacity) : "");
}

// The end of the element `name`, with the hint in it.
std::string End(absl::string_view name, absl::string_view hint) {
  if (hint.empty()) return "/>";
  return absl::StrCat("><title>", EscapeHtml(hint), "</title></", name, ">");
}

struct Writer {
  std::string operator()(const Line& line) const {
    std::string points;
    for (const cv::Point2d& point : line.points) {
      absl::StrAppend(&points, points.empty() ? "" : " ", Number(point.x), ",", Number(point.y));
    }
    return absl::StrCat("<polyline fill=\"none\" stroke-linejoin=\"round\"",
                        Attribute("stroke", CssOf(line.paint)),
                        Attribute("stroke-width", line.width), Attribute("points", points), "/>");
  }

  // Boxes that touch shall show no seam.
  std::string operator()(const Box& box) const {
    return absl::StrCat("<rect shape-rendering=\"crispEdges\"", PlaceOf(box.place),
                        Fill(box.paint, box.opacity), End("rect", box.hint));
  }

  std::string operator()(const Dot& dot) const {
    return absl::StrCat("<circle", Attribute("cx", dot.centre.x), Attribute("cy", dot.centre.y),
                        Attribute("r", dot.radius), Fill(dot.paint, dot.opacity),
                        End("circle", dot.hint));
  }

  std::string operator()(const Text& text) const {
    const std::string place =
        text.upwards ? absl::StrCat(" transform=\"translate(", Number(text.at.x), " ",
                                    Number(text.at.y), ") rotate(-90)\"")
                     : absl::StrCat(Attribute("x", text.at.x), Attribute("y", text.at.y));
    const absl::string_view anchor = text.anchor == Anchor::kStart    ? ""
                                     : text.anchor == Anchor::kMiddle ? " text-anchor=\"middle\""
                                                                      : " text-anchor=\"end\"";
    return absl::StrCat("<text", place, anchor,
                        Attribute("font-size", kFontSize * text.style.height),
                        text.style.bold ? " font-weight=\"700\"" : "", Fill(text.style.paint), ">",
                        EscapeHtml(text.text), "</text>");
  }

  std::string operator()(const Picture& picture) const {
    return absl::StrCat("<image preserveAspectRatio=\"none\"", PlaceOf(picture.place),
                        Attribute("aria-label", picture.alternative),
                        " href=\"data:image/jpeg;base64,",
                        absl::Base64Escape(EncodeJpeg(picture.pixels, kJpegQuality)), "\"/>");
  }
};

}  // namespace

std::string Svg(const Drawing& drawing) {
  std::string svg = absl::StrCat("<svg class=\"drawing\" role=\"img\" viewBox=\"0 0 ",
                                 Number(drawing.size.width), " ", Number(drawing.size.height), "\"",
                                 Attribute("aria-label", drawing.title), ">");
  for (const Shape& shape : drawing.shapes) absl::StrAppend(&svg, std::visit(Writer(), shape));
  return absl::StrCat(svg, "</svg>\n");
}

}  // namespace m3lung
