// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace m3lung {
namespace {

constexpr double kOutside = 0.025;  // on either side of an interval

// Between the two values nearest to it, in proportion. REQUIRES: sorted, not empty.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

}  // namespace

Resamples::Resamples(int studies, int count, uint64_t seed) : studies_(studies) {
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    std::vector<int>& weights = weights_.emplace_back(studies);
    for (int draw = 0; draw < studies; ++draw) {
      ++weights[static_cast<size_t>(random.Index(studies))];
    }
  }
}

std::vector<Estimate> Bootstrap(const Figures& figures, const Resamples& resamples) {
  std::vector<Estimate> estimates;
  for (const std::optional<double>& value : figures({})) estimates.push_back({value, {}});
  if (resamples.studies() < 2) return estimates;

  std::vector<std::vector<double>> values(estimates.size());
  for (int i = 0; i < resamples.count(); ++i) {
    const std::vector<std::optional<double>> drawn = figures(resamples.weights(i));
    for (size_t k = 0; k < values.size(); ++k) {
      if (drawn[k]) values[k].push_back(*drawn[k]);
    }
  }
  for (size_t k = 0; k < values.size(); ++k) {
    if (!estimates[k].value || 2 * values[k].size() <= static_cast<size_t>(resamples.count())) {
      continue;
    }
    std::sort(values[k].begin(), values[k].end());
    estimates[k].interval = {Quantile(values[k], kOutside), Quantile(values[k], 1 - kOutside)};
  }
  return estimates;
}

double PairedPValue(const Figures& one, const Figures& other, const Resamples& resamples) {
  int not_better = 0, not_worse = 0;
  for (int i = 0; i < resamples.count(); ++i) {
    const std::optional<double> a = one(resamples.weights(i)).front();
    const std::optional<double> b = other(resamples.weights(i)).front();
    // A resample that tells nothing speaks for equality.
    if (!a || !b || *a <= *b) ++not_better;
    if (!a || !b || *a >= *b) ++not_worse;
  }
  return std::min(1.0, 2.0 * (std::min(not_better, not_worse) + 1) / (resamples.count() + 1));
}

}  // namespace m3lung
