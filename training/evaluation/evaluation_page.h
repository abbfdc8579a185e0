// SPDX-License-Identifier: Apache-2.0
// An evaluation for people: one HTML page that needs nothing beside it.
#ifndef M3LUNG_TRAINING_EVALUATION_EVALUATION_PAGE_H_
#define M3LUNG_TRAINING_EVALUATION_EVALUATION_PAGE_H_

#include <string>

#include "training/evaluation/evaluation.h"
#include "training/evaluation/facts.h"

namespace m3lung {

// No links and no scripts; every word that came from elsewhere is escaped, what is
// not there is a dash.
std::string EvaluationPage(const Evaluation& evaluation, const EvaluationFacts& facts);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_EVALUATION_PAGE_H_
