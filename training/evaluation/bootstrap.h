// SPDX-License-Identifier: Apache-2.0
// How sure a figure is, by drawing the test set anew many times.
#ifndef M3LUNG_TRAINING_EVALUATION_BOOTSTRAP_H_
#define M3LUNG_TRAINING_EVALUATION_BOOTSTRAP_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace m3lung {

struct Interval {
  double low = 0;
  double high = 0;
};

// A figure with its 95 % interval. Neither where there is no case to take the
// figure of; no interval where resampling cannot tell one.
struct Estimate {
  std::optional<double> value;
  std::optional<Interval> interval;
};

// Test sets drawn from one of `studies` studies with replacement. Whole studies are
// drawn, and a study brings all its slices: slices of one study resemble each other,
// and drawing them one by one would make slice figures look surer than they are.
class Resamples {
 public:
  // The same seed draws the same sets, with every compiler. REQUIRES: count > 0.
  Resamples(int studies, int count, uint64_t seed);

  int studies() const { return studies_; }
  int count() const { return static_cast<int>(weights_.size()); }
  // How often each study is in resample `i`.
  absl::Span<const int> weights(int i) const { return weights_[static_cast<size_t>(i)]; }

 private:
  int studies_ = 0;
  std::vector<std::vector<int>> weights_;
};

// Some figures of a test set in which study i is counted weights[i] times (empty:
// once each), always in the same order.
using Figures = std::function<std::vector<std::optional<double>>(absl::Span<const int> weights)>;

// Each of the figures with its interval: from the 2.5th to the 97.5th percentile of
// its values over the resamples. Resamples in which a figure has no value, such as
// those without a case of its class, are left out; where they are half or more, or
// where there is only one study, there is no interval.
std::vector<Estimate> Bootstrap(const Figures& figures, const Resamples& resamples);

// The p-value for "both are equally good" of a figure taken of two methods on the
// same resamples: twice the share of resamples in which the one that is better more
// often is not better, at most 1. The set as it was drawn counts as one resample
// more, so that p is never 0; with 1,000 resamples it is at least 0.002.
//
// The paper's footnote 3 computes p "from 2 x m groups of results", m for either
// method, and does not say how. A t-test over 2 x m resampled results would grow more
// certain with m, which the user chooses, rather than with the number of patients. So
// the groups are taken in pairs, both methods on one resample. REQUIRES: each function
// returns one figure.
double PairedPValue(const Figures& one, const Figures& other, const Resamples& resamples);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_EVALUATION_BOOTSTRAP_H_
