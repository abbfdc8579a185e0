// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/plot.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "page/html.h"
#include "page/text_drawing.h"

namespace m3lung {
namespace {

constexpr double kTicks[] = {0, 0.25, 0.5, 0.75, 1};
constexpr double kTooClose = 0.002;  // to see on a screen

// Where the square lies in a drawing.
struct Frame {
  double left, top, side;

  double X(double share) const { return left + share * side; }
  double Y(double share) const { return top + (1 - share) * side; }
};

constexpr Frame kSvgFrame = {.left = 68, .top = 10, .side = 410};
constexpr double kSvgWidth = 498;
constexpr double kSvgHeight = 474;
constexpr double kSvgDot = 9;

constexpr Frame kPictureFrame = {.left = 130, .top = 90, .side = 720};
constexpr int kPictureWidth = 900;
constexpr int kPictureHeight = 915;  // without the key
constexpr int kPictureKeyLine = 34;
constexpr double kPictureDot = 15;

std::vector<PlotPoint> WithoutCrowds(const std::vector<PlotPoint>& points) {
  std::vector<PlotPoint> kept;
  for (size_t i = 0; i < points.size(); ++i) {
    const bool close = !kept.empty() && std::abs(points[i].x - kept.back().x) < kTooClose &&
                       std::abs(points[i].y - kept.back().y) < kTooClose;
    if (!close || i + 1 == points.size()) kept.push_back(points[i]);
  }
  return kept;
}

std::string SvgAxes(const Plot& plot) {
  const Frame& frame = kSvgFrame;
  std::string svg;
  for (const double tick : kTicks) {
    absl::StrAppend(
        &svg,
        absl::StrFormat("<path class=\"rule\" d=\"M%.1f %.1fH%.1fM%.1f %.1fV%.1f\"/>", frame.X(0),
                        frame.Y(tick), frame.X(1), frame.X(tick), frame.Y(0), frame.Y(1)),
        absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>",
                        frame.X(0) - 7, frame.Y(tick) + 4.5, tick),
        absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.2f</text>",
                        frame.X(tick), frame.Y(0) + 18, tick));
  }
  if (plot.diagonal) {
    absl::StrAppendFormat(&svg, "<path class=\"half\" d=\"M%.1f %.1fL%.1f %.1f\"/>", frame.X(0),
                          frame.Y(0), frame.X(1), frame.Y(1));
  }
  absl::StrAppend(&svg,
                  absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                                  frame.X(0.5), kSvgHeight - 8),
                  EscapeHtml(plot.x_label), "</text>",
                  absl::StrFormat("<text transform=\"translate(13 %.1f) rotate(-90)\" "
                                  "text-anchor=\"middle\">",
                                  frame.Y(0.5)),
                  EscapeHtml(plot.y_label), "</text>");
  return svg;
}

std::string SvgSeries(const PlotSeries& series) {
  const Frame& frame = kSvgFrame;
  std::string path, dots;
  for (const PlotPoint& point : WithoutCrowds(series.points)) {
    absl::StrAppend(&path, path.empty() ? "M" : "L",
                    absl::StrFormat("%.1f %.1f", frame.X(point.x), frame.Y(point.y)));
    if (point.dot > 0) {
      absl::StrAppend(&dots,
                      absl::StrFormat("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" "
                                      "fill-opacity=\"0.7\"><title>",
                                      frame.X(point.x), frame.Y(point.y),
                                      std::max(2.0, kSvgDot * point.dot), series.colour.Css()),
                      EscapeHtml(point.remark), "</title></circle>");
    }
  }
  return absl::StrCat("<path fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"",
                      series.colour.Css(), "\" d=\"", path, "\"/>", dots);
}

// In the picture.
cv::Point At(double x, double y) {
  return {static_cast<int>(std::lround(kPictureFrame.X(x))),
          static_cast<int>(std::lround(kPictureFrame.Y(y)))};
}

void DrawAxes(cv::Mat& picture, const Plot& plot) {
  const Frame& frame = kPictureFrame;
  const cv::Scalar pale = cv::Scalar::all(222);
  const TextStyle style{15, cv::Scalar::all(90), false};
  for (const double tick : kTicks) {
    cv::line(picture, At(0, tick), At(1, tick), pale, 1, cv::LINE_AA);
    cv::line(picture, At(tick, 0), At(tick, 1), pale, 1, cv::LINE_AA);
    const std::string text = absl::StrFormat("%.2f", tick);
    const int width = TextWidth(text, style);
    DrawText(picture, text, At(0, tick) + cv::Point(-width - 12, 8), style);
    DrawText(picture, text, At(tick, 0) + cv::Point(-width / 2, 32), style);
  }
  if (plot.diagonal) cv::line(picture, At(0, 0), At(1, 1), cv::Scalar::all(170), 1, cv::LINE_AA);
  const int width = TextWidth(plot.x_label, style);
  DrawText(picture, plot.x_label,
           {static_cast<int>(frame.X(0.5)) - width / 2, static_cast<int>(frame.Y(0)) + 72}, style);
  // Upright text, turned: drawn by itself first.
  cv::Mat label(30, TextWidth(plot.y_label, style) + 10, CV_8UC3, cv::Scalar::all(255));
  DrawText(label, plot.y_label, {5, 22}, style);
  cv::rotate(label, label, cv::ROTATE_90_COUNTERCLOCKWISE);
  label.copyTo(
      picture(cv::Rect({14, static_cast<int>(frame.Y(0.5)) - label.rows / 2}, label.size())));
}

// Below the axis, where no curve can be.
void DrawKey(cv::Mat& picture, const Plot& plot) {
  const TextStyle style{15, cv::Scalar::all(40), false};
  cv::Point line = At(0, 0) + cv::Point(28, 120);
  for (const PlotSeries& series : plot.series) {
    cv::rectangle(picture, cv::Rect(line.x - 28, line.y - 15, 16, 16), series.colour.Bgr(),
                  cv::FILLED);
    DrawText(picture, series.name, line, style);
    line.y += kPictureKeyLine;
  }
}

}  // namespace

std::string PlotSvg(const Plot& plot) {
  std::string svg =
      absl::StrCat("<figure class=\"plot\"><h3>", EscapeHtml(plot.title),
                   "</h3>\n<svg class=\"chart\" role=\"img\" viewBox=\"0 0 ", kSvgWidth, " ",
                   kSvgHeight, "\" aria-label=\"", EscapeHtml(plot.title), "\">", SvgAxes(plot));
  std::string key;
  for (const PlotSeries& series : plot.series) {
    absl::StrAppend(&svg, SvgSeries(series));
    absl::StrAppend(&key, "<li><i style=\"background:", series.colour.Css(), "\"></i>",
                    EscapeHtml(series.name), "</li>");
  }
  return absl::StrCat(svg, "</svg>\n<ul class=\"key\">", key, "</ul></figure>\n");
}

cv::Mat DrawPlot(const Plot& plot) {
  cv::Mat picture(kPictureHeight + kPictureKeyLine * static_cast<int>(plot.series.size()),
                  kPictureWidth, CV_8UC3, cv::Scalar::all(255));
  DrawText(picture, plot.title, {static_cast<int>(kPictureFrame.left), 54},
           {20, cv::Scalar::all(30), true});
  DrawAxes(picture, plot);
  DrawKey(picture, plot);
  for (const PlotSeries& series : plot.series) {
    std::vector<cv::Point> line;
    for (const PlotPoint& point : WithoutCrowds(series.points)) {
      line.push_back(At(point.x, point.y));
      if (point.dot > 0) {
        cv::circle(picture, line.back(),
                   static_cast<int>(std::lround(std::max(4.0, kPictureDot * point.dot))),
                   series.colour.Bgr(), cv::FILLED, cv::LINE_AA);
      }
    }
    cv::polylines(picture, line, /*isClosed=*/false, series.colour.Bgr(), 3, cv::LINE_AA);
  }
  return picture;
}

absl::Status WritePlot(const Plot& plot, const std::filesystem::path& path) {
  std::vector<uint8_t> bytes;
  cv::imencode(".png", DrawPlot(plot), bytes, {cv::IMWRITE_PNG_COMPRESSION, 9});
  return WriteFile(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace m3lung
