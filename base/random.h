// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same with every compiler and library, which the
// standard's distributions are not.
#ifndef M3LUNG_BASE_RANDOM_H_
#define M3LUNG_BASE_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <random>

namespace m3lung {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Bits() { return engine_(); }

  // In [low, high).
  double Uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }

  // True in a `share` of all cases.
  bool Chance(double share) { return Uniform(0, 1) < share; }

  // In [0, count).
  int Index(int count) { return static_cast<int>(Uniform(0, count)); }

  double Normal(double mean, double deviation) {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(0, 1)));
    return mean + deviation * radius * std::cos(2 * M_PI * Uniform(0, 1));
  }

  // About normal, mean 0 and deviation 1, within +-4.9: the sum of eight bytes.
  // Fast enough for every pixel of a study.
  float Noise() {
    uint64_t bits = engine_();
    int sum = -1020;
    for (int i = 0; i < 8; ++i, bits >>= 8) sum += static_cast<int>(bits & 0xff);
    return static_cast<float>(sum) * (1 / 209.02f);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace m3lung

#endif  // M3LUNG_BASE_RANDOM_H_
