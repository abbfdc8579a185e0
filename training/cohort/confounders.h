// SPDX-License-Identifier: Apache-2.0
// What healthy lungs show too, and what misleads: drawn for every class alike, so
// that it tells nothing of the label.
#ifndef M3LUNG_TRAINING_COHORT_CONFOUNDERS_H_
#define M3LUNG_TRAINING_COHORT_CONFOUNDERS_H_

#include <vector>

#include "base/random.h"
#include "training/cohort/canvas.h"
#include "training/cohort/lesion_shape.h"
#include "training/cohort/lung_field.h"

namespace m3lung {

// Harmless findings, each there or not: density of the dependent lung at the back,
// scars at the apex, bands of atelectasis near the base, a calcified granuloma,
// fine lines at the pleura.
std::vector<Lesion> HarmlessFindings(const LungField& field, Random& random);

// A part of the chest that moves while it is scanned and so is seen twice: around the
// beating heart, or along a diaphragm that breathes. `amount` in [0, 1] is how much of
// the second picture shows.
struct Motion {
  Point3 centre;
  double reach_mm = 0;    // in the slice plane
  double reach_t_mm = 0;  // along t
  double scale = 1;       // of the second picture, about the centre
  cv::Point2d shift_mm;   // likewise
  double amount = 0;
};

// None or some, about where the heart and the diaphragm are.
std::vector<Motion> DrawMotions(const LungField& field, Random& random);

// Blends the second picture into the slices; the masks stay.
void ApplyMotions(const std::vector<Motion>& motions, Canvas& canvas);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_CONFOUNDERS_H_
