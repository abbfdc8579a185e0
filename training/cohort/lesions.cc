#include "training/cohort/lesions.h"

#include <algorithm>
#include <cmath>

namespace m3lung {
namespace {

// A point of the lung near its outer edge; `inwards` 0 is at the pleura, 1 the
// lung's middle. `angle` is 0 at the side, pi/2 at the back, -pi/2 in front.
Point3 NearPleura(const Anatomy& anatomy, int side, double level, double angle, double inwards) {
  const double t = level * anatomy.length_mm();
  const Ellipse lung = anatomy.Lung(t, side);
  return {lung.centre.x + side * (1 - inwards) * lung.rx * std::cos(angle),
          lung.centre.y + (1 - inwards) * lung.ry * std::sin(angle), t};
}

bool InLung(const Anatomy& anatomy, const Point3& p) {
  return anatomy.At(p.x, p.y, p.t) == Tissue::kLung;
}

std::vector<Lesion> Covid19(const Anatomy& anatomy, Random& random) {
  std::vector<Lesion> lesions;
  const int count = 9 + random.Index(7);
  for (int attempt = 0; static_cast<int>(lesions.size()) < count && attempt < 40 * count;
       ++attempt) {
    const int side = lesions.size() % 2 == 0 ? -1 : 1;
    // The lower of two draws: more at the bases.
    const double level = std::max(random.Uniform(0.28, 0.76), random.Uniform(0.28, 0.76));
    const double angle = random.Uniform(-0.5, 1.5);
    const Point3 centre = NearPleura(anatomy, side, level, angle, random.Uniform(0.06, 0.2));
    if (!InLung(anatomy, centre)) continue;
    Lesion lesion;
    lesion.centre = centre;
    lesion.side = side;
    lesion.rx_mm = random.Uniform(12, 22);  // towards the pleura
    lesion.ry_mm = random.Uniform(20, 40);  // along it
    lesion.rt_mm = random.Uniform(15, 32);
    lesion.angle = side * angle;
    lesion.edge = random.Uniform(0.3, 0.5);
    lesion.ragged = 0.45;
    lesion.glass_hu = random.Uniform(-640, -400);
    lesion.core = random.Uniform(0, 1) < 0.35 ? random.Uniform(0.3, 0.55) : 0;
    lesion.core_hu = random.Uniform(-80, 30);
    lesions.push_back(lesion);
  }
  return lesions;
}

std::vector<Lesion> H1n1(const std::vector<Vessel>& vessels, Random& random) {
  std::vector<Lesion> lesions;
  const auto along = [&](double thinnest, double thickest, int side) -> const Vessel* {
    for (int attempt = 0; attempt < 2000; ++attempt) {
      const Vessel& v = vessels[random.Index(static_cast<int>(vessels.size()))];
      if (v.side == side && v.radius_mm >= thinnest && v.radius_mm <= thickest) return &v;
    }
    return nullptr;
  };
  const int bundles = 8 + random.Index(5);
  for (int i = 0; i < bundles; ++i) {
    const int side = i % 2 == 0 ? -1 : 1;
    const Vessel* v = along(1.3, 3.2, side);
    if (v == nullptr) continue;
    Lesion lesion;
    lesion.centre = {(v->from.x + v->to.x) / 2, (v->from.y + v->to.y) / 2,
                     (v->from.t + v->to.t) / 2};
    lesion.side = side;
    lesion.angle = std::atan2(v->to.y - v->from.y, v->to.x - v->from.x);
    lesion.rx_mm = random.Uniform(14, 26);  // along the bundle
    lesion.ry_mm = random.Uniform(7, 12);
    lesion.rt_mm = random.Uniform(9, 18);
    lesion.edge = 0.3;
    lesion.ragged = 0.5;
    lesion.glass_hu = random.Uniform(-480, -300);
    lesion.core = random.Uniform(0.55, 0.75);
    lesion.core_hu = random.Uniform(-60, 40);
    lesions.push_back(lesion);
  }
  const int nodules = 70 + random.Index(50);
  for (int i = 0; i < nodules; ++i) {
    const int side = i % 2 == 0 ? -1 : 1;
    const Vessel* v = along(0.5, 0.9, side);
    if (v == nullptr) continue;
    Lesion lesion;
    lesion.centre = v->to;
    lesion.side = side;
    lesion.rx_mm = lesion.ry_mm = random.Uniform(2, 4);
    lesion.rt_mm = random.Uniform(3, 5);
    lesion.edge = 0.6;
    lesion.ragged = 0.2;
    lesion.glass_hu = random.Uniform(-380, -150);
    lesions.push_back(lesion);
  }
  return lesions;
}

std::vector<Lesion> Cap(const Anatomy& anatomy, Random& random) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    const int side = random.Uniform(0, 1) < 0.5 ? -1 : 1;
    const Point3 centre =
        NearPleura(anatomy, side, random.Uniform(0.3, 0.66), random.Uniform(-0.6, 1.2), 0.35);
    if (!InLung(anatomy, centre)) continue;
    Lesion lesion;
    lesion.centre = centre;
    lesion.side = side;
    lesion.rx_mm = random.Uniform(34, 48);
    lesion.ry_mm = random.Uniform(38, 56);
    lesion.rt_mm = random.Uniform(32, 50);
    lesion.angle = random.Uniform(-0.5, 0.5);
    lesion.edge = 0.08;
    lesion.ragged = 0.22;
    lesion.glass_hu = random.Uniform(-580, -450);
    lesion.core = random.Uniform(0.78, 0.86);
    lesion.core_hu = random.Uniform(20, 45);
    lesion.spared_above_t = centre.t - random.Uniform(0.3, 0.7) * lesion.rt_mm;
    return {lesion};
  }
  return {};
}

double SmoothStep(double w) {
  w = std::clamp(w, 0.0, 1.0);
  return w * w * (3 - 2 * w);
}

}  // namespace

std::vector<Lesion> MakeLesions(Label label, const Anatomy& anatomy,
                                const std::vector<Vessel>& vessels, Random& random) {
  switch (label) {
    case Label::kHealthy:
      return {};
    case Label::kCovid19:
      return Covid19(anatomy, random);
    case Label::kH1n1:
      return H1n1(vessels, random);
    case Label::kCap:
      return Cap(anatomy, random);
  }
  return {};
}

LesionSample SampleLesion(const Lesion& lesion, const SpatialNoise& noise, double x, double y,
                          double t) {
  if (t <= lesion.spared_above_t) return {};
  const double dx = x - lesion.centre.x, dy = y - lesion.centre.y, dt = t - lesion.centre.t;
  const double c = std::cos(lesion.angle), s = std::sin(lesion.angle);
  const double along = (dx * c + dy * s) / lesion.rx_mm;
  const double across = (dy * c - dx * s) / lesion.ry_mm;
  const double axial = dt / lesion.rt_mm;
  const double smooth = std::sqrt(along * along + across * across + axial * axial);
  if (smooth > 1 + lesion.ragged) return {};
  const double rough =
      noise.At(x / 9, y / 9, t / 9) * 0.7 + noise.At(x / 3.5, y / 3.5, t / 3.5) * 0.3;
  const double radius = smooth + lesion.ragged * rough;
  if (radius >= 1) return {};
  LesionSample sample;
  sample.weight = SmoothStep((1 - radius) / lesion.edge);
  const double texture = 45 * noise.At(x / 2.5 + 100, y / 2.5, t / 2.5);
  const double solid = lesion.core > 0 ? SmoothStep((lesion.core - radius) / 0.12 + 0.5) : 0;
  sample.hu =
      lesion.glass_hu + texture + solid * (lesion.core_hu - lesion.glass_hu - 0.6 * texture);
  return sample;
}

}  // namespace m3lung
