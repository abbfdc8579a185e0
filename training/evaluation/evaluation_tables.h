// SPDX-License-Identifier: Apache-2.0
// The tables of the evaluation's page, as HTML.
#ifndef M3LUNG_TRAINING_EVALUATION_EVALUATION_TABLES_H_
#define M3LUNG_TRAINING_EVALUATION_EVALUATION_TABLES_H_

#include <string>
#include <utility>
#include <vector>

#include "training/evaluation/evaluation.h"

namespace m3lung {

// A dash for what is not there.
inline constexpr char kNothing[] = "\u2013";

// A method and its name at the head of a row.
using NamedMethod = std::pair<std::string, const MethodEvaluation*>;

// Accuracy and the three errors, a row a method, as in the paper's table IV.
std::string OverallTable(const std::vector<NamedMethod>& methods);

// Sensitivity, specificity and area under the curve, a row a class and method. `names`: what the
// names are, at the head of their column.
std::string ClassTable(const std::vector<NamedMethod>& methods,
                       const std::string& names = "Method");

// How many of each class were called what, and the share of the class.
std::string ConfusionTable(const NamedMethod& method);

std::string MapTable(const MapScores& maps);

// Rows "as answered" and, where there is one, "with temperature".
std::string CalibrationTable(const Calibration& calibration,
                             const TemperatureEvaluation* temperature);

// Studies that the patient network calls wrongly, the worst first (least probability
// given to the truth), at most `most`; "none" where there are none.
std::string MistakesTable(const std::vector<StudyEvaluation>& studies, size_t most);

std::string StudiesTable(const std::vector<StudyEvaluation>& studies);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_EVALUATION_TABLES_H_
