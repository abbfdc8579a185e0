// SPDX-License-Identifier: Apache-2.0
// Writes a data set of synthetic studies with their truth.
//
//   OUT/cohort.json                      what it is made with
//   OUT/studies/<name>/slice-0001.dcm    a study's slices, their names in no order
//   OUT/slice-labels/<name>.csv          file,lesion
//   OUT/truth/<name>/lesions/<file>.png  8 bits, 0 or 255, one for every slice
//   OUT/truth/<name>/lungs/<file>.png
//   OUT/dataset.csv                      as training/data/dataset.h reads it; last
#ifndef M3LUNG_TRAINING_COHORT_COHORT_WRITER_H_
#define M3LUNG_TRAINING_COHORT_COHORT_WRITER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "training/cohort/background.h"
#include "training/cohort/cohort_plan.h"
#include "training/cohort/synthetic_study.h"

namespace m3lung {

// A slice is labelled as showing a lesion from this area on; one with less shows, to
// an eye that scans many slices, none.
inline constexpr double kLabelledLesionMm2 = 40;

// A real study without pneumonia: one patient, and so in one split.
struct CohortBackground {
  std::filesystem::path folder;
  Split split = Split::kTrain;
};

struct CohortOptions {
  CohortSize size;
  uint64_t seed = 1;
  int slices = 0;                                  // of each phantom; 0: drawn, 24 to 64
  int image_size = 512;                            // rows and columns
  std::vector<CohortBackground> backgrounds = {};  // numbered in this order, from 1
  int threads = 1;
};

// Called when the number of studies is known, and after each.
struct CohortObserver {
  std::function<void(int total, int done)> started = [](int, int) {};
  std::function<void()> finished_one = [] {};  // from any thread
};

// Writes the cohort, or what is missing of it: studies that are there are not made
// again, so that a stopped run goes on. The same options give the same files.
// FAILED_PRECONDITION where `out` holds a cohort made with other options; INVALID_ARGUMENT
// where two backgrounds are one folder, by whatever paths.
absl::Status WriteCohort(const CohortOptions& options, const std::filesystem::path& out,
                         const CohortObserver& observer = {});

// One study of the plan; of a diseased one, at least one slice is labelled so.
SyntheticStudy MakePlannedStudy(const PlannedStudy& planned, const CohortOptions& options,
                                const std::vector<Background>& backgrounds);

// Whether each slice is labelled as showing a lesion.
std::vector<bool> SliceLabelsOf(const SyntheticStudy& study);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_COHORT_WRITER_H_
