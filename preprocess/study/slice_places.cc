// SPDX-License-Identifier: Apache-2.0
#include "preprocess/study/slice_places.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace m3lung {
namespace {

constexpr double kTooNear = 0.55;  // of it
constexpr double kAsUsual = 0.67;  // to 1 / 0.67 of it
constexpr int kNeighbours = 6;     // distances looked at on either side

// The value that `share` of all lie below.
double Quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<int64_t>(share * static_cast<double>(values.size()));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The distance between neighbours where none is missing: most are, in a set with many gaps.
double WithoutGaps(const std::vector<double>& distances) { return Quantile(distances, 0.25); }

}  // namespace

bool SlicePlaces::IsTaken(double position_mm, Iterator above) const {
  if (above != places_.end() && *above - position_mm < kSamePositionMm) return true;
  return above != places_.begin() && position_mm - *std::prev(above) < kSamePositionMm;
}

void SlicePlaces::Add(double position_mm) {
  const Iterator above = places_.lower_bound(position_mm);
  if (!IsTaken(position_mm, above)) places_.insert(above, position_mm);
}

void SlicePlaces::Add(const SlicePlaces& others) {
  for (const double position : others.places_) Add(position);
}

// The distances next to the one from `below` to `above`, without it.
std::vector<double> SlicePlaces::DistancesAround(Iterator below, Iterator above) const {
  std::vector<double> distances;
  for (int i = 0; i < kNeighbours && below != places_.begin(); ++i) {
    const Iterator next = std::prev(below);
    distances.push_back(*below - *next);
    below = next;
  }
  for (int i = 0; i < kNeighbours && std::next(above) != places_.end(); ++i) {
    const Iterator next = std::next(above);
    distances.push_back(*next - *above);
    above = next;
  }
  return distances;
}

bool SlicePlaces::Occupied(double position_mm) const {
  const Iterator above = places_.lower_bound(position_mm);
  if (IsTaken(position_mm, above)) return true;
  if (above == places_.begin() || above == places_.end()) return false;
  const Iterator below = std::prev(above);
  const std::vector<double> around = DistancesAround(below, above);
  return around.empty() || *above - *below <= kGapFactor * WithoutGaps(around);
}

bool SlicePlaces::TooNearToTheEnd(double position_mm) const {
  if (places_.size() < 3) return false;
  if (position_mm > *places_.rbegin()) {
    const Iterator end = std::prev(places_.end());
    return position_mm - *end < kTooNear * WithoutGaps(DistancesAround(end, end));
  }
  if (position_mm < *places_.begin()) {
    const Iterator end = places_.begin();
    return *end - position_mm < kTooNear * WithoutGaps(DistancesAround(end, end));
  }
  return false;
}

double SlicePlaces::Regularity() const {
  if (places_.size() < 3) return 0;
  std::vector<double> distances;
  for (auto place = places_.begin(); std::next(place) != places_.end(); ++place) {
    distances.push_back(*std::next(place) - *place);
  }
  const double usual = Quantile(distances, 0.5);
  const auto as_usual = std::count_if(distances.begin(), distances.end(), [&](double distance) {
    return distance >= kAsUsual * usual && distance <= usual / kAsUsual;
  });
  return static_cast<double>(as_usual) / static_cast<double>(distances.size());
}

}  // namespace m3lung
