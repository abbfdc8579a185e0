// SPDX-License-Identifier: Apache-2.0
// Smooth noise over space, the same with every compiler and library.
#ifndef M3LUNG_TRAINING_COHORT_SPATIAL_NOISE_H_
#define M3LUNG_TRAINING_COHORT_SPATIAL_NOISE_H_

#include <cmath>
#include <cstdint>

namespace m3lung {

// In [-1, 1], with features about as large as the unit.
class SpatialNoise {
 public:
  explicit SpatialNoise(uint64_t seed) : seed_(seed) {}

  double At(double u, double v, double w) const {
    // The lattice lies askew, so that slices do not show its rows and columns.
    const double x = 0.36 * u + 0.48 * v - 0.8 * w, y = -0.8 * u + 0.6 * v,
                 z = 0.48 * u + 0.64 * v + 0.6 * w;
    const double fx = std::floor(x), fy = std::floor(y), fz = std::floor(z);
    const double wx = Smooth(x - fx), wy = Smooth(y - fy), wz = Smooth(z - fz);
    const auto ix = static_cast<int64_t>(fx), iy = static_cast<int64_t>(fy),
               iz = static_cast<int64_t>(fz);
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
      const int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
      sum += (dx ? wx : 1 - wx) * (dy ? wy : 1 - wy) * (dz ? wz : 1 - wz) *
             Corner(ix + dx, iy + dy, iz + dz);
    }
    return sum;
  }

 private:
  static double Smooth(double w) { return w * w * (3 - 2 * w); }

  // A hash of the lattice point (the finaliser of a 64-bit mixing function).
  double Corner(int64_t x, int64_t y, int64_t z) const {
    uint64_t h = seed_ + static_cast<uint64_t>(x) * 0x9e3779b97f4a7c15u +
                 static_cast<uint64_t>(y) * 0xc2b2ae3d27d4eb4fu +
                 static_cast<uint64_t>(z) * 0x165667b19e3779f9u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    h ^= h >> 31;
    return static_cast<double>(h >> 11) * 0x1p-52 - 1;
  }

  const uint64_t seed_;
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_SPATIAL_NOISE_H_
