// SPDX-License-Identifier: Apache-2.0
// An evaluation for programs.
#ifndef M3LUNG_TRAINING_EVALUATION_EVALUATION_JSON_H_
#define M3LUNG_TRAINING_EVALUATION_EVALUATION_JSON_H_

#include <string>

#include "training/evaluation/evaluation.h"
#include "training/evaluation/facts.h"

namespace m3lung {

// One object; a figure is {"value", "low", "high"}, null where there is none, curves
// are lists of [false positive rate, true positive rate], confusion matrices are rows
// by truth. Classes are named as in data sets. The curve of "risk_coverage" is a list of
// [coverage, risk, least confidence]. "by_lungs" holds the same figures as the whole, by the same
// names, or null.
std::string EvaluationJson(const Evaluation& evaluation, const EvaluationFacts& facts);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_EVALUATION_JSON_H_
