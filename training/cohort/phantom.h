// A synthetic chest CT study: thorax, lungs and, by class, lesions.
#ifndef M3LUNG_TRAINING_COHORT_PHANTOM_H_
#define M3LUNG_TRAINING_COHORT_PHANTOM_H_

#include <cstdint>
#include <vector>

#include "model/inference.h"
#include "opencv2/core/mat.hpp"
#include "preprocess/hu_slice.h"

namespace m3lung {

struct PhantomOptions {
  Label label = Label::kHealthy;
  uint64_t seed = 1;
  int slices = 40;
  int size = 512;          // rows and columns
  double field_mm = 360;   // side of the square field of view
  double length_mm = 320;  // from the first slice (neck) to the last (upper abdomen)
};

// A study and its truth; entry i of each vector belongs to slice i, from head to feet.
struct Phantom {
  std::vector<HuSlice> slices;
  std::vector<cv::Mat> lung_masks;    // size x size, CV_8UC1: 255 in the lungs, lesions included
  std::vector<cv::Mat> lesion_masks;  // likewise: 255 in lesions; all zero when healthy
};

// The same options give the same study, bit for bit, on any machine of one
// instruction set.
Phantom MakePhantom(const PhantomOptions& options);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_PHANTOM_H_
