// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/anatomy.h"

#include <algorithm>
#include <cmath>

namespace m3lung {
namespace {

constexpr double kCentreY = -12;       // of the body
constexpr double kWidestLevel = 0.40;  // from here down the lungs fill the chest
constexpr double kSpineY = 50;         // of the vertebral bodies along the chest
constexpr double kCarinaLevel = 0.38;  // where the trachea divides
constexpr double kBronchiEnd = 0.455;

// 0 at the apex, 1 from kWidestLevel on: a dome.
double Opening(double level, double apex) {
  const double q = std::clamp((kWidestLevel - level) / (kWidestLevel - apex), 0.0, 1.0);
  return std::sqrt(std::max(0.0, 1 - q * q));
}

}  // namespace

double Interpolate(const std::vector<cv::Point2d>& knots, double level) {
  if (level <= knots.front().x) return knots.front().y;
  for (size_t i = 1; i < knots.size(); ++i) {
    if (level > knots[i].x) continue;
    const double w = (level - knots[i - 1].x) / (knots[i].x - knots[i - 1].x);
    const double smooth = w * w * (3 - 2 * w);
    return knots[i - 1].y + smooth * (knots[i].y - knots[i - 1].y);
  }
  return knots.back().y;
}

Anatomy::Anatomy(Random& random, double length_mm, double build)
    : length_mm_(length_mm),
      width_(random.Uniform(0.87, 1.03) + 0.03 * build),
      depth_(random.Uniform(0.86, 1.05) + 0.03 * build),
      fat_mm_(7 + 22 * build),
      apex_(random.Uniform(0.115, 0.14)),
      base_(random.Uniform(0.79, 0.86)),
      right_dome_(random.Uniform(0.58, 0.65)),
      left_dome_(right_dome_ + random.Uniform(0.02, 0.07)),
      heart_(random.Uniform(0.86, 1.14)),
      lung_{random.Uniform(0.95, 1.01), random.Uniform(0.93, 1.0)} {}

Ellipse Anatomy::Body(double t) const {
  const double level = Level(t);
  const double rx = Interpolate(
      {{0, 63}, {0.045, 70}, {0.12, 148}, {0.22, 164}, {0.45, 160}, {0.75, 158}, {1, 154}}, level);
  const double ry =
      Interpolate({{0, 60}, {0.045, 66}, {0.14, 92}, {0.45, 108}, {0.8, 110}, {1, 108}}, level);
  const double stout = 0.8 * (fat_mm_ - 14);  // what is more than the usual is outside
  return {{0, kCentreY + 6 * (1 - Opening(level, apex_))},
          rx * width_ + stout,
          ry * depth_ + 0.8 * stout};
}

Ellipse Anatomy::Muscle(double t) const {
  const Ellipse body = Body(t);
  const double fat =
      fat_mm_ * Interpolate({{0, 0.4}, {0.15, 0.8}, {0.5, 0.9}, {1, 1.25}}, Level(t));
  return {body.centre, body.rx - fat, body.ry - 0.8 * fat};
}

Ellipse Anatomy::Chest(double t) const {
  const double level = Level(t);
  if (level < apex_ - 0.02) return {};
  const double open = Opening(std::max(level, apex_ + 0.01), apex_);
  return {
      {0, kCentreY + 3 + 12 * (1 - open)}, width_ * (42 + 90 * open), depth_ * (26 + 62 * open)};
}

Ellipse Anatomy::Lung(double t, int side) const {
  const double level = Level(t);
  if (level < apex_) return {};
  const double open = Opening(level, apex_);
  const Ellipse chest = Chest(t);
  return {{side * width_ * (34 + 33 * open), chest.centre.y},
          std::max(width_ * 65 * open * lung_[side < 0 ? 0 : 1], 1e-3),
          std::max(depth_ * 87 * open, 1e-3)};
}

Ellipse Anatomy::Heart(double t) const {
  const double level = Level(t);
  const double q = (level - 0.59) / 0.19;
  if (std::abs(q) >= 1) return {};
  const double size = heart_ * std::pow(1 - q * q, 0.35);
  return {{21 * size, kCentreY - 20}, 56 * size, 43 * size};
}

Tissue Anatomy::At(double x, double y, double t) const {
  const Ellipse chest = Chest(t);
  if (chest.rx <= 0 || chest.Level(x, y) >= 1) return Tissue::kOutsideChest;
  const int side = x < 0 ? -1 : 1;

  // The diaphragm: highest a little before the middle of each half, lowest behind.
  const double level = Level(t);
  if (level > Dome(side)) {
    const Ellipse dome = {{side * width_ * 66, kCentreY - 16}, width_ * 72, depth_ * 98};
    const double surface =
        Dome(side) + (base_ - Dome(side)) * std::pow(std::min(dome.Level(x, y), 1.0), 1.25);
    const double middle = std::exp(-(x * x) / (24 * 24));  // its tendon bears the heart
    if (level > std::min(surface + 0.05 * middle, base_)) return Tissue::kBelowDiaphragm;
  }

  const Ellipse heart = Heart(t);
  if (heart.rx > 0) {
    // Turned so that its apex points forward and to the left.
    const double c = std::cos(0.5), s = std::sin(0.5);
    const double dx = x - heart.centre.x, dy = y - heart.centre.y;
    const double along = (dx * c - dy * s) / heart.rx, across = (dx * s + dy * c) / heart.ry;
    if (along * along + across * across < 1) return Tissue::kHeart;
  }

  const Ellipse lung = Lung(t, side);
  if (lung.rx <= 0) return Tissue::kSoft;
  const double dx = std::abs(x - lung.centre.x) / lung.rx;
  const double dy = std::abs(y - lung.centre.y) / lung.ry;
  if (std::pow(dx, 2.4) + std::pow(dy, 2.4) >= 1) return Tissue::kSoft;
  // Mediastinum: wide between the great vessels, a thin septum in front.
  const double waist = (y + 6) / (y < -6 ? 34 : 46);
  if (std::abs(x - 2) < 5 + 25 * std::exp(-waist * waist)) return Tissue::kSoft;
  if (std::hypot(x, y - kSpineY - 3) < 27) return Tissue::kSoft;
  if (level > 0.3 && std::hypot(x - aorta().x, y - aorta().y) < 16) return Tissue::kSoft;
  return Tissue::kLung;
}

cv::Point2d Anatomy::Spine(double t) const {
  return {0, Interpolate({{0, 12}, {0.05, 16}, {0.17, 43}, {0.3, 46}, {0.4, kSpineY}}, Level(t))};
}

std::vector<Anatomy::Tube> Anatomy::Airways(double t) const {
  const double level = Level(t);
  const double y = Interpolate({{0, -22}, {kCarinaLevel, 8}}, level);
  if (level < kCarinaLevel) return {{{0, y}, 8.5}};
  if (level > kBronchiEnd) return {};
  const double way = (level - kCarinaLevel) / (kBronchiEnd - kCarinaLevel);
  return {{{-7 - 22 * way, y + 3 * way}, 7 - 1.5 * way},
          {{8 + 26 * way, y + 4 * way}, 6.5 - 1.5 * way}};
}

Point3 Anatomy::Hilum(int side) const { return {side < 0 ? -30.0 : 34.0, 10, 0.45 * length_mm_}; }

}  // namespace m3lung
