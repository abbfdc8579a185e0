// SPDX-License-Identifier: Apache-2.0
// Data and networks so small that a training takes seconds.
#ifndef M3LUNG_TESTS_TRAINING_TRAINERS_TINY_TRAINING_H_
#define M3LUNG_TESTS_TRAINING_TRAINERS_TINY_TRAINING_H_

#include "training/data/prepared.h"
#include "training/trainers/slice_trainer.h"

namespace m3lung::testing {

inline constexpr int kTinySide = 32;  // pixels of a slice

// `per_class` studies of each class and split, each of six slices: lung, and in the
// last three of a diseased study a square whose place tells the disease.
PreparedData TinyData(int per_class);

// One block of each kind, 4 channels, batches of 8, a rate of 0.02.
SliceTrainingOptions TinySliceTraining(int epochs);

}  // namespace m3lung::testing

#endif  // M3LUNG_TESTS_TRAINING_TRAINERS_TINY_TRAINING_H_
