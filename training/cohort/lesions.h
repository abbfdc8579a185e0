// Pneumonia as the paper's Figure 1 shows it, by class.
#ifndef M3LUNG_TRAINING_COHORT_LESIONS_H_
#define M3LUNG_TRAINING_COHORT_LESIONS_H_

#include <array>
#include <vector>

#include "model/inference.h"
#include "training/cohort/anatomy.h"
#include "training/cohort/random.h"
#include "training/cohort/vessel_tree.h"

namespace m3lung {

// An ellipsoid with an uneven outline: ground glass, with consolidation inside.
struct Lesion {
  Point3 centre;
  double rx_mm = 0, ry_mm = 0, rt_mm = 0;
  double angle = 0;     // of rx against x, in the slice plane
  double core = 0;      // relative radius within which it is consolidated
  double edge = 0.3;    // relative width of the outer edge; small: sharp
  double ragged = 0.3;  // how far the outline departs from the ellipsoid
  double glass_hu = -550;
  double core_hu = 20;
  int side = 0;
  // Tissue at or above this t is spared: the fissure that bounds a lobe.
  double spared_above_t = -1e9;
};

// None when healthy.
//   COVID-19: several patches of ground glass at the pleura of both lungs, most
//     of them low and at the back, some with consolidation.
//   H1N1: consolidation along the bronchovascular bundles of both lungs, with
//     small centrilobular nodules.
//   CAP: one large sharp consolidation of a segment or lobe, with a rim of
//     ground glass.
std::vector<Lesion> MakeLesions(Label label, const Anatomy& anatomy,
                                const std::vector<Vessel>& vessels, Random& random);

// How much of a point belongs to a lesion, 0 to 1, and the density there.
struct LesionSample {
  double weight = 0;
  double hu = 0;
};
LesionSample SampleLesion(const Lesion& lesion, const SpatialNoise& noise, double x, double y,
                          double t);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_LESIONS_H_
