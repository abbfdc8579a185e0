// SPDX-License-Identifier: Apache-2.0
#include "training/cohort/vessel_tree.h"

#include <cmath>

namespace m3lung {
namespace {

constexpr double kTrunkRadiusMm = 3.8;
constexpr double kThinnestMm = 0.36;

struct Direction {
  double x, y, t;
};

Direction Unit(Direction d) {
  const double length = std::sqrt(d.x * d.x + d.y * d.y + d.t * d.t);
  return {d.x / length, d.y / length, d.t / length};
}

Direction Turned(const Direction& d, double by, Random& random) {
  return Unit({d.x + random.Normal(0, by), d.y + random.Normal(0, by), d.t + random.Normal(0, by)});
}

void Grow(const Anatomy& anatomy, const Point3& from, const Direction& direction, double radius,
          int side, Random& random, std::vector<Vessel>& vessels) {
  if (radius < kThinnestMm) return;
  // Near the hilum a branch may still be outside the lung; further out it bends
  // or shortens to stay inside.
  const bool central = radius > 0.6 * kTrunkRadiusMm;
  double length = random.Uniform(9, 14) * std::pow(radius, 0.4);
  Direction along = direction;
  Point3 to;
  for (int attempt = 0;; ++attempt) {
    to = {from.x + length * along.x, from.y + length * along.y, from.t + length * along.t};
    if (central || anatomy.At(to.x, to.y, to.t) == Tissue::kLung) break;
    if (attempt == 4) return;
    along = Turned(direction, 0.5, random);
    length *= 0.75;
  }
  vessels.push_back({from, to, radius, side});
  const int branches = random.Uniform(0, 1) < 0.25 ? 3 : 2;
  for (int i = 0; i < branches; ++i) {
    const double thinner = random.Uniform(i == 0 ? 0.76 : 0.52, i == 0 ? 0.87 : 0.73);
    Grow(anatomy, to, Turned(along, i == 0 ? 0.25 : 0.6, random), radius * thinner, side, random,
         vessels);
  }
}

}  // namespace

std::vector<Vessel> GrowVessels(const Anatomy& anatomy, Random& random) {
  // To the upper, middle and lower parts, front and back.
  constexpr Direction kTrunks[] = {{0.4, -0.3, -1.0}, {0.4, 0.3, -1.0}, {0.7, -0.8, -0.5},
                                   {0.7, 0.5, -0.6},  {0.9, -0.6, 0.0}, {0.9, 0.5, 0.05},
                                   {0.5, -0.5, 0.8},  {0.7, 0.4, 0.8},  {0.3, 0.4, 1.0}};
  std::vector<Vessel> vessels;
  for (int side : {-1, 1}) {
    for (const Direction& trunk : kTrunks) {
      const Direction outwards = Unit({side * trunk.x, trunk.y, trunk.t});
      Grow(anatomy, anatomy.Hilum(side), Turned(outwards, 0.15, random),
           kTrunkRadiusMm * random.Uniform(0.8, 1), side, random, vessels);
    }
  }
  return vessels;
}

}  // namespace m3lung
