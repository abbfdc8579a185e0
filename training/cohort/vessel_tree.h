// SPDX-License-Identifier: Apache-2.0
// The vessels of a lung as straight pieces of tube.
#ifndef M3LUNG_TRAINING_COHORT_VESSEL_TREE_H_
#define M3LUNG_TRAINING_COHORT_VESSEL_TREE_H_

#include <vector>

#include "base/random.h"
#include "training/cohort/anatomy.h"

namespace m3lung {

struct Vessel {
  Point3 from, to;
  double radius_mm = 0;
  int side = 0;  // as in Anatomy
};

// Both lungs' trees, each from its hilum outwards, thinner at each branching.
std::vector<Vessel> GrowVessels(const Anatomy& anatomy, Random& random);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_VESSEL_TREE_H_
