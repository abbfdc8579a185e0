// SPDX-License-Identifier: Apache-2.0
// The plots of an evaluation.
#ifndef M3LUNG_TRAINING_EVALUATION_CURVES_H_
#define M3LUNG_TRAINING_EVALUATION_CURVES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "report/plot.h"
#include "training/evaluation/evaluation.h"
#include "training/evaluation/groups.h"

namespace m3lung {

// "Healthy", "COVID-19", "H1N1", "CAP": for people.
absl::string_view ClassTitle(Label label);

// "0.912 [0.880, 0.941]"; a dash for what is not there.
std::string EstimateText(const Estimate& estimate);

// One curve a class, with its area; classes without a curve are left out.
Plot RocPlot(absl::string_view title, const MethodEvaluation& method);
Plot LesionRocPlot(const LesionEvaluation& lesions);

// Accuracy against confidence, a dot for each bin, its area by the number of cases;
// also with the fitted temperature where there is one.
Plot ReliabilityPlot(absl::string_view title, const Calibration& calibration,
                     const TemperatureEvaluation* temperature);

// Risk against coverage, one curve a group, with its area.
Plot RiskCoveragePlot(const std::vector<NamedGroup>& groups);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_CURVES_H_
