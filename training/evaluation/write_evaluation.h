// SPDX-License-Identifier: Apache-2.0
// An evaluation on disk.
#ifndef M3LUNG_TRAINING_EVALUATION_WRITE_EVALUATION_H_
#define M3LUNG_TRAINING_EVALUATION_WRITE_EVALUATION_H_

#include <filesystem>

#include "absl/status/status.h"
#include "training/evaluation/evaluation.h"
#include "training/evaluation/facts.h"

namespace m3lung {

// Writes evaluation.json, report.html and the plots: roc-patients.png,
// reliability-patients.png, risk-coverage-patients.png, reliability-patients-real.png and
// reliability-patients-synthetic.png where there are such lungs, and, where slices were evaluated,
// roc-slices.png, roc-lesions.png and reliability-slices.png. Makes the folder.
absl::Status WriteEvaluation(const Evaluation& evaluation, const EvaluationFacts& facts,
                             const std::filesystem::path& folder);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_WRITE_EVALUATION_H_
