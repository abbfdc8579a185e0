// SPDX-License-Identifier: Apache-2.0
// Pneumonia as the paper's Figure 1 shows it, by class.
#ifndef M3LUNG_TRAINING_COHORT_LESIONS_H_
#define M3LUNG_TRAINING_COHORT_LESIONS_H_

#include <vector>

#include "base/random.h"
#include "model/engine/inference.h"
#include "training/cohort/lesion_shape.h"
#include "training/cohort/lung_field.h"

namespace m3lung {

// From a few small lesions (severity 0) to most of the lung (1). None when healthy,
// or where the field is empty.
//   COVID-19: patches of ground glass at the pleura of both lungs, most of them low
//     and at the back, some with consolidation or crazy paving.
//   H1N1: consolidation along the bronchovascular bundles of both lungs, with many
//     small centrilobular nodules.
//   CAP: consolidation of a segment or a lobe, or of patches within one, bounded by
//     its fissures, with bronchi that keep their air and a rim of ground glass.
std::vector<Lesion> MakeLesions(Label label, double severity, const LungField& field,
                                Random& random);

// The classes' own; `field` is not empty.
std::vector<Lesion> Covid19Lesions(double severity, const LungField& field, Random& random);
std::vector<Lesion> H1n1Lesions(double severity, const LungField& field, Random& random);
std::vector<Lesion> CapLesions(double severity, const LungField& field, Random& random);

// 1 up to a severity of 0.6, 1.7 at 1: the gravest cases are so by their lesions' size.
double Gravity(double severity);

// Multiplies a lesion's radii.
void Scale(double factor, Lesion& lesion);

// A lesion at a point: its place and side are set, and it lies along the pleura.
Lesion LesionAt(const LungPoint& point);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_LESIONS_H_
