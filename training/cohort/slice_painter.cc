// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/slice_painter.h"

#include <algorithm>
#include <cmath>

#include "opencv2/imgproc.hpp"
#include "preprocess/hu_slice.h"
#include "preprocess/lungs/lung_volume.h"
#include "training/cohort/spatial_noise.h"

namespace m3lung {
namespace {

constexpr float kFatHu = -105, kMuscleHu = 52, kBloodHu = 42, kLiverHu = 58, kSpleenHu = 48;
constexpr float kFluidHu = 12, kGasHu = -950, kLumenHu = -975, kMarrowHu = 190, kCortexHu = 680;
constexpr float kCordHu = 30, kMediastinumHu = -15, kVesselHu = 35;
constexpr double kRibPitchMm = 23, kRibFallMm = 62;  // from one rib to the next; spine to sternum
constexpr int kShift = 4;                            // fractional bits of drawing coordinates

class Painter {
 public:
  Painter(const ChestScene& scene, double t, int size, double field_mm)
      : scene_(scene),
        anatomy_(scene.anatomy),
        texture_(scene.texture_seed),
        t_(t),
        level_(scene.anatomy.Level(t)),
        pixel_mm_(field_mm / size),
        half_mm_(field_mm / 2),
        hu_(size, size, CV_32FC1, cv::Scalar(kAirHu)),
        lungs_(size, size, CV_8UC1, cv::Scalar(kNoLung)) {}

  PaintedSlice Paint() {
    if (scene_.table) Table();
    if (scene_.arms_beside) Arms();
    BodyWall();
    ChestAndAbdomen();
    Bones();
    AirwaysAndVessels();
    return {hu_, lungs_};
  }

 private:
  double X(int column) const { return (column + 0.5) * pixel_mm_ - half_mm_ - scene_.shift_mm.x; }
  double Y(int row) const { return (row + 0.5) * pixel_mm_ - half_mm_ - scene_.shift_mm.y; }
  double Pixels(double mm) const { return mm / pixel_mm_; }
  // A place in fixed point, as OpenCV's drawing functions take it.
  cv::Point Fixed(double x, double y) const {
    const double scale = (1 << kShift) / pixel_mm_;
    const double middle = half_mm_ - pixel_mm_ / 2;
    return {static_cast<int>(std::lround((x + middle + scene_.shift_mm.x) * scale)),
            static_cast<int>(std::lround((y + middle + scene_.shift_mm.y) * scale))};
  }
  cv::Size FixedSize(double rx, double ry) const {
    const double scale = (1 << kShift) / pixel_mm_;
    return {static_cast<int>(std::lround(rx * scale)), static_cast<int>(std::lround(ry * scale))};
  }

  void Fill(double x, double y, double rx, double ry, float hu, double degrees = 0) {
    if (rx <= 0 || ry <= 0) return;
    cv::ellipse(hu_, Fixed(x, y), FixedSize(rx, ry), degrees, 0, 360, cv::Scalar(hu), cv::FILLED,
                cv::LINE_8, kShift);
  }

  // An ellipse whose outline waves a little, as a body's does.
  void FillWaved(const Ellipse& e, double depth, float hu) {
    std::vector<cv::Point> outline;
    for (int i = 0; i < 180; ++i) {
      const double a = i * M_PI / 90;
      const double c = std::cos(a), s = std::sin(a);
      // A body is flatter than an ellipse in front and at the back.
      const double flat =
          std::pow(std::pow(std::abs(c), 2.35) + std::pow(std::abs(s), 2.35), -1 / 2.35);
      const double r = flat * (1 + depth * texture_.At(1.3 * c, 1.3 * s + 50, level_ * 6));
      outline.push_back(Fixed(e.centre.x + r * e.rx * c, e.centre.y + r * e.ry * s));
    }
    const cv::Point* points = outline.data();
    const int count = static_cast<int>(outline.size());
    cv::fillPoly(hu_, &points, &count, 1, cv::Scalar(hu), cv::LINE_8, kShift);
  }

  void Table() {
    // Wider than the field of view, so its foam touches the image's border.
    for (const auto& [grow, hu] : {std::pair{0.0, 120.0f}, {-3.0, -880.0f}}) {
      cv::ellipse(hu_, Fixed(0, -430), FixedSize(560 + grow, 560 + grow), 0, 0, 360, cv::Scalar(hu),
                  static_cast<int>(std::lround(Pixels(grow < 0 ? 14 : 18))), cv::LINE_8, kShift);
    }
  }

  void Arms() {
    const Ellipse body = anatomy_.Body(t_);
    const double r = Interpolate({{0.1, 0}, {0.2, 46}, {0.6, 40}, {1, 36}}, level_);
    for (int side : {-1, 1}) {
      const double x = side * (anatomy_.Body(0.4 * anatomy_.length_mm()).rx + 0.9 * r);
      const double y = body.centre.y + 20;
      Fill(x, y, r, r, kFatHu);
      Fill(x, y, 0.86 * r, 0.86 * r, kMuscleHu);
      Fill(x, y, 0.28 * r, 0.28 * r, kCortexHu + 200);
      Fill(x, y, 0.16 * r, 0.16 * r, kMarrowHu - 150);
    }
  }

  void BodyWall() {
    FillWaved(anatomy_.Body(t_), 0.02, kMuscleHu);  // skin
    Ellipse fat = anatomy_.Body(t_);
    fat.rx -= 1.6;
    fat.ry -= 1.6;
    FillWaved(fat, 0.02, kFatHu);
    FillWaved(anatomy_.Muscle(t_), 0.03, kMuscleHu);
    // Fat between the muscles of the back, the shoulder and the front.
    const Ellipse muscle = anatomy_.Muscle(t_), chest = anatomy_.Chest(t_);
    if (chest.rx <= 0) return;
    for (int side : {-1, 1}) {
      for (double angle : {-2.3, -1.0, 0.25, 0.8, 1.2}) {
        const double c = std::cos(angle), s = std::sin(angle);
        const double x = side * (0.45 * chest.rx + 0.55 * muscle.rx) * std::abs(c);
        const double y = chest.centre.y + (0.45 * chest.ry + 0.55 * muscle.ry) * s;
        Fill(x, y, 0.10 * muscle.rx, 1.6, kFatHu, side * (90 + angle * 180 / M_PI * side * side));
      }
    }
  }

  void ChestAndAbdomen() {
    const Ellipse chest = anatomy_.Chest(t_);
    if (chest.rx <= 0) return Neck();
    const bool abdomen = level_ > 0.6;
    if (!abdomen) Fill(0, chest.centre.y, chest.rx, chest.ry, kMediastinumHu);
    const double gas = scene_.abdomen_gas_mm;
    for (int i = 0; i < hu_.rows; ++i) {
      const double y = Y(i);
      float* hu = hu_.ptr<float>(i);
      uchar* lung = lungs_.ptr<uchar>(i);
      for (int j = 0; j < hu_.cols; ++j) {
        const double x = X(j);
        switch (anatomy_.At(x, y, t_)) {
          case Tissue::kOutsideChest:
            break;
          case Tissue::kSoft: {
            // Fat between the great vessels, nodes and the gullet.
            const double grain = texture_.At(x / 9, y / 9, t_ / 25);
            hu[j] = grain > 0.02 ? kFatHu + 25 : kMediastinumHu + 45;
            break;
          }
          case Tissue::kHeart:
            hu[j] = kBloodHu + 4 * static_cast<float>(texture_.At(x / 18, y / 18, t_ / 18));
            break;
          case Tissue::kLung: {
            lung[j] = x < 0 ? kRightLung : kLeftLung;
            const double depth = (y - chest.centre.y) / chest.ry;  // blood sinks to the back
            hu[j] = static_cast<float>(scene_.lung_hu + 28 * (depth + 0.3) +
                                       16 * texture_.At(x / 22, y / 22, t_ / 22) +
                                       10 * texture_.At(x / 4, y / 4, t_ / 6));
            break;
          }
          case Tissue::kBelowDiaphragm:
            hu[j] = Abdomen(x, y, gas);
            break;
        }
      }
    }
    Fill(-20, chest.centre.y - 22, level_ > 0.3 && level_ < 0.52 ? 14 : 0, 14, kBloodHu);
    Fill(6, chest.centre.y - 24, level_ > 0.36 && level_ < 0.52 ? 13 : 0, 12, kBloodHu);
    const cv::Point2d aorta = anatomy_.aorta();
    if (level_ > 0.32) Fill(aorta.x, aorta.y, 11.5, 11.5, kBloodHu);
    if (level_ > 0.27 && level_ <= 0.32) Fill(4, 6, 30, 11, kBloodHu, 55);  // its arch
    if (level_ > 0.15 && level_ <= 0.3) {
      for (double x : {-18.0, -2.0, 15.0}) Fill(x, chest.centre.y - 16, 6.5, 6.5, kBloodHu);
    }
  }

  void Neck() {
    for (int side : {-1, 1}) {
      Fill(side * 27, -8, 7, 5, kFatHu);
      Fill(side * 30, -8, 4.5, 4.5, kBloodHu);
      Fill(side * 18, -24, 8, 12, 75);  // thyroid
      Fill(side * 36, 22, 9, 1.5, kFatHu, side * 40);
    }
  }

  float Abdomen(double x, double y, double gas) const {
    const double waves = texture_.At(x / 30, y / 30, t_ / 40);
    const auto inside = [&](double cx, double cy, double rx, double ry) {
      return Ellipse{{cx, cy}, rx, ry}.Level(x, y) < 1 + 0.25 * waves;
    };
    const double grow = std::clamp((level_ - 0.6) / 0.12, 0.3, 1.0);
    if (inside(-50, -10, 72 * grow, 70 * grow) || (x < -8 && level_ < 0.76)) return kLiverHu;
    if (inside(48, -38, 40 * grow, 36 * grow)) {  // the stomach, gas on top
      if (inside(48, -38, 37 * grow, 33 * grow)) {
        return y < -70 + gas ? kGasHu : kFluidHu + 15;
      }
      return kMuscleHu;
    }
    if (inside(78, 28, 34 * grow, 36 * grow)) return kSpleenHu;
    if (level_ > 0.9 && (inside(-48, 40, 24, 26) || inside(44, 42, 24, 26))) return 32;
    return kFatHu + 8 * static_cast<float>(waves);
  }

  void Bones() {
    const cv::Point2d spine = anatomy_.Spine(t_);
    const double k = Interpolate({{0, 0.72}, {0.2, 1}}, level_);  // a neck's is slighter
    const bool disc = std::fmod(t_, 26) > 21;
    Fill(spine.x, spine.y + 24 * k, 10 * k, 13 * k, kCortexHu - 260);  // arch
    Fill(spine.x, spine.y + 33 * k, 3 * k, 9 * k, kCortexHu - 300);    // spinous process
    for (int side : {-1, 1}) {
      Fill(spine.x + side * 20 * k, spine.y + 22 * k, 14 * k, 4 * k, kCortexHu - 330, side * 25);
    }
    Fill(spine.x, spine.y, 18 * k, 15 * k, kCortexHu - 150);
    Fill(spine.x, spine.y, 16.5 * k, 13.5 * k, disc ? 85 : kMarrowHu);
    Fill(spine.x, spine.y + 22 * k, 9 * k, 8 * k, kFatHu + 60);
    Fill(spine.x, spine.y + 22 * k, 6 * k, 5 * k, kCordHu);

    const Ellipse chest = anatomy_.Chest(t_);
    if (chest.rx <= 0) return;
    if (level_ > 0.2 && level_ < 0.56) {  // sternum
      Fill(0, chest.centre.y - chest.ry - 7, level_ < 0.28 ? 26 : 17, 6, kCortexHu - 250);
      Fill(0, chest.centre.y - chest.ry - 7, level_ < 0.28 ? 24 : 15, 4, kMarrowHu - 60);
    }
    if (level_ > 0.08 && level_ < 0.17) {  // collar bones
      for (int side : {-1, 1}) {
        Fill(side * (30 + 380 * (0.17 - level_)), -62, 20, 5.5, kCortexHu - 200, side * -18);
        Fill(side * (30 + 380 * (0.17 - level_)), -62, 16, 3, kMarrowHu, side * -18);
      }
    }
    if (level_ > 0.1 && level_ < 0.45) {  // shoulder blades
      for (int side : {-1, 1}) {
        const double x = side * (0.80 * chest.rx + 24), y = chest.centre.y + 0.62 * chest.ry + 14;
        Fill(x, y, 30 * (1 - level_), 3.4, kCortexHu - 200, side * -52);
        Fill(x, y, 26 * (1 - level_), 1.5, kMarrowHu + 60, side * -52);
      }
    }
    Ribs(chest);
  }

  // Each rib starts at the spine and falls on its way to the front, so a slice
  // cuts every one at another angle.
  void Ribs(const Ellipse& chest) {
    const double first = (anatomy_.apex() - 0.03) * anatomy_.length_mm();
    for (const bool marrow : {false, true}) {
      for (int k = 0; k < 12; ++k) {
        for (int step = 0; step <= 100; ++step) {
          const double way = step / 100.0;  // 0 at the spine, 1 at the sternum
          const double t = first + k * kRibPitchMm + kRibFallMm * way;
          if (std::abs(t - t_) > 4.2 || (k > 9 && way > 0.6)) continue;
          const double angle = M_PI / 2 - 0.2 - (M_PI - 0.45) * way;
          const double x = (chest.rx + 6.5) * std::cos(angle);
          const double y = chest.centre.y + (chest.ry + 6.5) * std::sin(angle);
          const float hu = marrow ? kMarrowHu + 40 : (way > 0.85 ? 120 : kCortexHu);
          const double r = marrow ? 2.3 : 4.2;
          Fill(x, y, r, r, hu);
          Fill(-x, y, r, r, hu);
        }
      }
    }
  }

  void AirwaysAndVessels() {
    cv::Mat share(hu_.size(), CV_32FC1, cv::Scalar(0));  // of vessel in a pixel
    for (const Vessel& v : scene_.vessels) {
      // The piece of the tube within the slab.
      const double low = t_ - scene_.slab_mm / 2, high = t_ + scene_.slab_mm / 2;
      const double rise = v.to.t - v.from.t;
      double w0 = 0, w1 = 1;
      if (std::abs(rise) < 1e-6) {
        if (v.from.t < low || v.from.t > high) continue;
      } else {
        const double a = (low - v.from.t) / rise, b = (high - v.from.t) / rise;
        w0 = std::max(0.0, std::min(a, b));
        w1 = std::min(1.0, std::max(a, b));
        if (w0 >= w1) continue;
      }
      const double width = Pixels(2 * v.radius_mm);
      const auto at = [&](double w) {
        return Fixed(v.from.x + w * (v.to.x - v.from.x), v.from.y + w * (v.to.y - v.from.y));
      };
      // What is thinner than two pixels is fainter instead, and what is thinner than
      // the slice is seen through the lung before and behind it.
      const double level = std::hypot(v.to.x - v.from.x, v.to.y - v.from.y);
      const double slope = level / std::max(1e-6, std::hypot(level, rise));
      const double chord = 2 * v.radius_mm / std::max(slope, 0.05);
      const double weight =
          std::min(1.0, std::pow(width / 2.2, 1.6)) * std::min(1.0, 1.2 * chord / scene_.slab_mm);
      cv::line(share, at(w0), at(w1), cv::Scalar(weight), std::max(1, static_cast<int>(width)),
               cv::LINE_8, kShift);
    }
    for (int i = 0; i < hu_.rows; ++i) {
      float* hu = hu_.ptr<float>(i);
      const float* w = share.ptr<float>(i);
      const uchar* lung = lungs_.ptr<uchar>(i);
      for (int j = 0; j < hu_.cols; ++j) {
        if (lung[j] != 0) hu[j] += w[j] * (kVesselHu - hu[j]);
      }
    }
    for (const Anatomy::Tube& tube : anatomy_.Airways(t_)) {
      Fill(tube.centre.x, tube.centre.y, tube.radius + 1.8, tube.radius + 1.8, kMuscleHu - 10);
    }
    for (const Anatomy::Tube& tube : anatomy_.Airways(t_)) {
      Fill(tube.centre.x, tube.centre.y, tube.radius, tube.radius, kLumenHu);
      // What the wall and the lumen cover is no lung.
      cv::circle(lungs_, Fixed(tube.centre.x, tube.centre.y), FixedSize(tube.radius + 1.8, 0).width,
                 cv::Scalar(0), cv::FILLED, cv::LINE_8, kShift);
    }
  }

  const ChestScene& scene_;
  const Anatomy& anatomy_;
  const SpatialNoise texture_;
  const double t_, level_, pixel_mm_, half_mm_;
  cv::Mat hu_;  // CV_32FC1 while painting
  cv::Mat lungs_;
};

}  // namespace

PaintedSlice PaintSlice(const ChestScene& scene, double t, int size, double field_mm) {
  return Painter(scene, t, size, field_mm).Paint();
}

}  // namespace m3lung
