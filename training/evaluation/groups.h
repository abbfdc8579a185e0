// SPDX-License-Identifier: Apache-2.0
// Figures of a group of studies, such as those of real lungs.
#ifndef M3LUNG_TRAINING_EVALUATION_GROUPS_H_
#define M3LUNG_TRAINING_EVALUATION_GROUPS_H_

#include <string>
#include <utility>
#include <vector>

#include "training/data/lungs.h"
#include "training/evaluation/bootstrap.h"
#include "training/evaluation/evaluation.h"
#include "training/evaluation/predictions.h"

namespace m3lung {

// The studies of which it is stated that their lungs are such, and their slices.
Predictions WithLungs(const Predictions& predictions, Lungs lungs);

// REQUIRES: at least one study; resamples of the studies.
GroupEvaluation EvaluateGroup(const Predictions& predictions, const Resamples& resamples);

// A group and its name for people.
using NamedGroup = std::pair<std::string, const GroupEvaluation*>;

// All studies, then those of real and of synthetic lungs where there are any.
std::vector<NamedGroup> NamedGroups(const Evaluation& evaluation);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_GROUPS_H_
