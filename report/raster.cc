// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/picture_files.h"
#include "base/status_macros.h"
#include "opencv2/imgproc.hpp"
#include "report/drawing.h"

namespace m3lung {
namespace {

int Rounded(double value) { return static_cast<int>(std::lround(value)); }

// Draws shapes over `canvas`. Positions are rounded to pixels, so that edges and
// thin lines are sharp.
class Painter {
 public:
  Painter(cv::Mat& canvas, double scale) : canvas_(canvas), scale_(scale) {}

  void operator()(const Line& line) const {
    std::vector<cv::Point> pixels;
    pixels.reserve(line.points.size());
    for (const cv::Point2d& point : line.points) pixels.push_back(At(point));
    cv::polylines(canvas_, pixels, /*isClosed=*/false, PrintedColour(line.paint).Bgr(),
                  std::max(1, Rounded(line.width * scale_)), cv::LINE_AA);
  }

  void operator()(const Box& box) const {
    const cv::Rect place = At(box.place) & Whole();
    if (place.empty()) return;
    cv::Mat under = canvas_(place);
    const cv::Mat colour(place.size(), CV_8UC3, PrintedColour(box.paint).Bgr());
    cv::addWeighted(colour, box.opacity, under, 1 - box.opacity, 0, under);
  }

  void operator()(const Dot& dot) const {
    const int radius = std::max(1, Rounded(dot.radius * scale_));
    const cv::Point centre = At(dot.centre);
    const cv::Rect around =
        cv::Rect(centre.x - radius - 2, centre.y - radius - 2, 2 * radius + 5, 2 * radius + 5) &
        Whole();
    if (around.empty()) return;
    cv::Mat under = canvas_(around);
    cv::Mat over = under.clone();
    cv::circle(over, centre - around.tl(), radius, PrintedColour(dot.paint).Bgr(), cv::FILLED,
               cv::LINE_AA);
    cv::addWeighted(over, dot.opacity, under, 1 - dot.opacity, 0, under);
  }

  void operator()(const Text& text) const {
    const TextStyle style = Scaled(text.style);
    const int width = TextWidth(text.text, style);
    const int before = text.anchor == Anchor::kStart    ? 0
                       : text.anchor == Anchor::kMiddle ? width / 2
                                                        : width;
    if (!text.upwards) {
      DrawText(canvas_, text.text, At(text.at) - cv::Point(before, 0), style);
      return;
    }
    // Turned with what is beneath it, drawn level, turned back.
    const int ascent = 2 * Rounded(style.height);
    const cv::Rect around = cv::Rect(At(text.at) - cv::Point(ascent, width - before),
                                     cv::Size(ascent + Rounded(style.height), width)) &
                            Whole();
    if (around.empty()) return;
    cv::Mat level;
    cv::rotate(canvas_(around), level, cv::ROTATE_90_CLOCKWISE);
    const cv::Point base = At(text.at) - around.tl();
    DrawText(level, text.text, {around.height - 1 - base.y - before, base.x}, style);
    cv::rotate(level, level, cv::ROTATE_90_COUNTERCLOCKWISE);
    level.copyTo(canvas_(around));
  }

  void operator()(const Picture& picture) const {
    const cv::Rect place = At(picture.place);
    const cv::Rect shown = place & Whole();
    if (shown.empty()) return;
    cv::Mat pixels = picture.pixels;
    if (pixels.size() != place.size()) {
      cv::resize(pixels, pixels, place.size(), 0, 0, cv::INTER_LINEAR);
    }
    pixels(shown - place.tl()).copyTo(canvas_(shown));
  }

 private:
  cv::Point At(const cv::Point2d& point) const {
    return {Rounded(point.x * scale_), Rounded(point.y * scale_)};
  }
  cv::Rect At(const cv::Rect2d& place) const { return {At(place.tl()), At(place.br())}; }
  cv::Rect Whole() const { return {{0, 0}, canvas_.size()}; }
  TextStyle Scaled(TextStyle style) const {
    style.height *= scale_;
    return style;
  }

  cv::Mat& canvas_;
  const double scale_;
};

}  // namespace

cv::Mat Rasterise(const Drawing& drawing, double scale) {
  cv::Mat canvas(Rounded(drawing.size.height * scale), Rounded(drawing.size.width * scale), CV_8UC3,
                 kWhite.Bgr());
  const Painter painter(canvas, scale);
  for (const Shape& shape : drawing.shapes) std::visit(painter, shape);
  return canvas;
}

absl::Status WritePng(const Drawing& drawing, double scale, const std::filesystem::path& path) {
  M3L_ASSIGN_OR_RETURN(const std::string png, EncodePng(Rasterise(drawing, scale)));
  return WriteFile(path, png);
}

}  // namespace m3lung
