// SPDX-License-Identifier: Apache-2.0
// A figure, described once: for a page as SVG, for a file of its own as pixels.
#ifndef M3LUNG_REPORT_DRAWING_H_
#define M3LUNG_REPORT_DRAWING_H_

#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "opencv2/core/mat.hpp"
#include "report/colour.h"
#include "report/text.h"

namespace m3lung {

// Places and lengths are in the drawing's own unit, from its upper left corner.

// Through its points, in their order.
struct Line {
  std::vector<cv::Point2d> points;
  Paint paint;
  double width = 1;
};

struct Box {
  cv::Rect2d place;
  Paint paint;
  double opacity = 1;
  std::string hint = {};  // a browser shows it when pointed at
};

struct Dot {
  cv::Point2d centre;
  double radius = 1;
  Paint paint;
  double opacity = 1;
  std::string hint = {};  // as of a Box
};

enum class Anchor { kStart, kMiddle, kEnd };

struct Text {
  std::string text;
  cv::Point2d at;  // the anchor, on the base line
  TextStyle style;
  Anchor anchor = Anchor::kStart;
  bool upwards = false;  // turned a quarter to the left about `at`
};

// Stretched to its place.
struct Picture {
  cv::Mat pixels;  // CV_8UC3, BGR
  cv::Rect2d place;
  std::string alternative;  // what it shows, in words
};

using Shape = std::variant<Line, Box, Dot, Text, Picture>;

struct Drawing {
  cv::Size2d size;
  std::string title;          // what it shows, for those who cannot see it
  std::vector<Shape> shapes;  // the later over the earlier

  void Add(Shape shape) { shapes.push_back(std::move(shape)); }
  // All of `part`, its upper left corner at `corner`.
  void Add(const Drawing& part, const cv::Point2d& corner);
};

// An inline <svg> as wide as what holds it: text in the browser's font, the style's
// colours as the page has them, pictures as JPEG inside. All words are escaped here.
std::string Svg(const Drawing& drawing);

// CV_8UC3, BGR, on white; `scale` pixels to the drawing's unit. Hints and titles are
// left out.
cv::Mat Rasterise(const Drawing& drawing, double scale = 1);
// The same as a PNG file.
absl::Status WritePng(const Drawing& drawing, double scale, const std::filesystem::path& path);

}  // namespace m3lung

#endif  // M3LUNG_REPORT_DRAWING_H_
