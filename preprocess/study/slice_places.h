// SPDX-License-Identifier: Apache-2.0
// How slices lie along their normal: which stand between others.
#ifndef M3LUNG_PREPROCESS_STUDY_SLICE_PLACES_H_
#define M3LUNG_PREPROCESS_STUDY_SLICE_PLACES_H_

#include <cstddef>
#include <set>
#include <vector>

namespace m3lung {

// Two positions along the slice normal nearer than this are the same.
inline constexpr double kSamePositionMm = 0.01;

// A distance longer than this share of the usual one is a gap: a slice is missing there.
inline constexpr double kGapFactor = 1.5;

// A growing set of positions in mm, each of them once.
class SlicePlaces {
 public:
  void Add(double position_mm);
  void Add(const SlicePlaces& others);
  size_t size() const { return places_.size(); }

  // Whether a slice there has no room: it lies at the same place as one of these, or between two
  // that are neighbours. Two with a gap between them, by what is usual around them, are none.
  bool Occupied(double position_mm) const;

  // Whether it lies beyond the last one, but far nearer to it than they lie to each other.
  bool TooNearToTheEnd(double position_mm) const;

  // Share of the distances between neighbours that are about the usual one; 0 for under 3 slices.
  double Regularity() const;

 private:
  using Iterator = std::set<double>::const_iterator;
  // Whether `above`, the first one that is not below the position, or the one before is there.
  bool IsTaken(double position_mm, Iterator above) const;
  std::vector<double> DistancesAround(Iterator below, Iterator above) const;

  std::set<double> places_;
};

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_SLICE_PLACES_H_
