// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/ranking.h"

#include <algorithm>
#include <utility>

namespace m3lung {

Ranking::Ranking(std::vector<ScoredCase> cases) : cases_(std::move(cases)) {
  std::sort(cases_.begin(), cases_.end(),
            [](const ScoredCase& a, const ScoredCase& b) { return a.score > b.score; });
}

template <typename Step>
void Ranking::Walk(absl::Span<const int> weights, const Step& step) const {
  for (size_t i = 0; i < cases_.size();) {
    const double score = cases_[i].score;
    int64_t positive = 0, negative = 0;
    for (; i < cases_.size() && cases_[i].score == score; ++i) {
      const int weight = weights.empty() ? 1 : weights[static_cast<size_t>(cases_[i].study)];
      (cases_[i].positive ? positive : negative) += weight;
    }
    if (positive + negative > 0) step(positive, negative);
  }
}

std::optional<double> Ranking::AreaUnderCurve(absl::Span<const int> weights) const {
  int64_t positives = 0, negatives = 0;
  double pairs = 0;  // of a positive case above a negative one
  Walk(weights, [&](int64_t positive, int64_t negative) {
    pairs += static_cast<double>(negative) *
             (static_cast<double>(positives) + static_cast<double>(positive) / 2);
    positives += positive;
    negatives += negative;
  });
  if (positives == 0 || negatives == 0) return std::nullopt;
  return pairs / static_cast<double>(positives) / static_cast<double>(negatives);
}

std::optional<double> Ranking::AveragePrecision(absl::Span<const int> weights) const {
  int64_t positives = 0, called = 0;
  double sum = 0;
  Walk(weights, [&](int64_t positive, int64_t negative) {
    positives += positive;
    called += positive + negative;
    sum += static_cast<double>(positive) * static_cast<double>(positives) /
           static_cast<double>(called);
  });
  if (positives == 0) return std::nullopt;
  return sum / static_cast<double>(positives);
}

std::vector<RocPoint> Ranking::Curve() const {
  struct Counts {
    int64_t negatives = 0;
    int64_t positives = 0;
  };
  std::vector<Counts> corners = {Counts()};
  Counts now;
  Walk({}, [&](int64_t positive, int64_t negative) {
    now.negatives += negative;
    now.positives += positive;
    if (corners.size() > 1) {
      // The last corner is none where the way to it and the way on are parallel.
      const Counts& last = corners.back();
      const Counts& before = corners[corners.size() - 2];
      if ((last.negatives - before.negatives) * (now.positives - last.positives) ==
          (last.positives - before.positives) * (now.negatives - last.negatives)) {
        corners.pop_back();
      }
    }
    corners.push_back(now);
  });
  if (now.negatives == 0 || now.positives == 0) return {};
  std::vector<RocPoint> curve;
  curve.reserve(corners.size());
  for (const Counts& corner : corners) {
    curve.push_back({static_cast<double>(corner.negatives) / static_cast<double>(now.negatives),
                     static_cast<double>(corner.positives) / static_cast<double>(now.positives)});
  }
  return curve;
}

}  // namespace m3lung
