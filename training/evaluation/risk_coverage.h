// SPDX-License-Identifier: Apache-2.0
// What is gained by answering only the cases that a method is surest of.
#ifndef M3LUNG_TRAINING_EVALUATION_RISK_COVERAGE_H_
#define M3LUNG_TRAINING_EVALUATION_RISK_COVERAGE_H_

#include <vector>

#include "training/evaluation/bootstrap.h"
#include "training/evaluation/cases.h"

namespace m3lung {

// The cases whose greatest probability is at least `confidence` are answered.
struct RiskPoint {
  double coverage = 0;  // share of all cases that are answered
  double risk = 0;      // share of those that are answered wrongly
  double confidence = 0;
};

// The point of least coverage that is not under the one asked for: cases of equal confidence are
// answered together.
struct RiskAtCoverage {
  double asked = 0;
  RiskPoint reached;
  Estimate risk;
};

struct RiskCoverage {
  std::vector<RiskPoint> curve;  // by rising coverage; the last answers all
  // Mean risk over the coverages at which each case is the last that is answered (AURC): 0 best,
  // 1 worst. A method whose confidence tells nothing has its share of errors.
  Estimate area;
  std::vector<RiskAtCoverage> table;  // 1.0, 0.9, 0.8, 0.7, 0.5
};

// REQUIRES: at least one case, each with probabilities; resamples of their studies.
RiskCoverage MeasureRiskCoverage(const Cases& cases, const Resamples& resamples);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_RISK_COVERAGE_H_
