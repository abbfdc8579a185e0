// SPDX-License-Identifier: Apache-2.0
#include "report/drawing.h"

namespace m3lung {
namespace {

struct Mover {
  cv::Point2d by;

  void operator()(Line& line) const {
    for (cv::Point2d& point : line.points) point += by;
  }
  void operator()(Box& box) const { box.place += by; }
  void operator()(Dot& dot) const { dot.centre += by; }
  void operator()(Text& text) const { text.at += by; }
  void operator()(Picture& picture) const { picture.place += by; }
};

}  // namespace

void Drawing::Add(const Drawing& part, const cv::Point2d& corner) {
  for (Shape shape : part.shapes) {
    std::visit(Mover{corner}, shape);
    shapes.push_back(std::move(shape));
  }
}

}  // namespace m3lung
