// A synthetic chest CT study: thorax, lungs and, by class, lesions.
#ifndef M3LUNG_TRAINING_COHORT_PHANTOM_H_
#define M3LUNG_TRAINING_COHORT_PHANTOM_H_

#include <cstdint>
#include <vector>

#include "model/inference.h"
#include "training/cohort/synthetic_study.h"

namespace m3lung {

struct PhantomOptions {
  Label label = Label::kHealthy;
  uint64_t seed = 1;
  double severity = 0.5;  // 0: a few small lesions; 1: most of the lung
  int slices = 40;
  int size = 512;          // rows and columns
  double field_mm = 360;   // side of the square field of view
  double length_mm = 320;  // from the first slice (neck) to the last (upper abdomen)
  double thickness_mm = 3;
  double noise_hu = 20;        // deviation
  double blur_px = 0.65;       // of the kernel: 0.5 sharp to 1.1 soft
  double noise_blur_px = 0.6;  // grain of the noise
  bool confounders = true;     // harmless findings and motion
};

using Phantom = SyntheticStudy;

// A chest and a scan of it, drawn at random; the label is left to the caller.
PhantomOptions DrawPhantomOptions(uint64_t seed);

// The same options give the same study, bit for bit, on any machine of one
// instruction set.
Phantom MakePhantom(const PhantomOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_PHANTOM_H_
