// SPDX-License-Identifier: Apache-2.0
// Cases in the order of a score, and what the order is worth.
#ifndef M3LUNG_TRAINING_EVALUATION_RANKING_H_
#define M3LUNG_TRAINING_EVALUATION_RANKING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace m3lung {

struct ScoredCase {
  double score = 0;
  bool positive = false;
  int study = 0;
};

// Of all cases with at least this score called positive.
struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
};

// Sorts once, so that thousands of resamples cost one walk each. Cases of the same
// score are one step: their order among themselves counts for nothing.
//
// `weights` say how often each study is counted, by its index; empty: once each.
class Ranking {
 public:
  explicit Ranking(std::vector<ScoredCase> cases);

  // Area under the ROC curve: how often a positive case scores higher than a
  // negative one, a tie being half. Nothing where there are none of one kind.
  std::optional<double> AreaUnderCurve(absl::Span<const int> weights = {}) const;

  // The precision at each step, by the share of positive cases that it adds. Nothing
  // where there is no positive case.
  std::optional<double> AveragePrecision(absl::Span<const int> weights = {}) const;

  // From (0, 0) to (1, 1) by falling score, without the points on a straight line
  // between their neighbours. Empty where there are none of one kind.
  std::vector<RocPoint> Curve() const;

 private:
  // Calls `step(positive, negative)`, the weights of the cases of each score, by
  // falling score.
  template <typename Step>
  void Walk(absl::Span<const int> weights, const Step& step) const;

  std::vector<ScoredCase> cases_;  // by falling score
};

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_RANKING_H_
