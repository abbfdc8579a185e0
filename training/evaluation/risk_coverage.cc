// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/risk_coverage.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"

namespace m3lung {
namespace {

constexpr double kAskedCoverages[] = {1.0, 0.9, 0.8, 0.7, 0.5};
constexpr double kRounding = 1e-9;  // of a coverage

struct Answer {
  double confidence = 0;
  bool wrong = false;
  int study = 0;
};

// The surest first.
std::vector<Answer> AnswersOf(const Cases& cases) {
  std::vector<Answer> answers;
  for (size_t i = 0; i < cases.size(); ++i) {
    const ClassProbabilities& p = cases.probabilities[i];
    answers.push_back({*std::max_element(p.begin(), p.end()), cases.predicted[i] != cases.truth[i],
                       cases.study[i]});
  }
  std::sort(answers.begin(), answers.end(),
            [](const Answer& a, const Answer& b) { return a.confidence > b.confidence; });
  return answers;
}

std::vector<RiskPoint> CurveOf(const std::vector<Answer>& answers, absl::Span<const int> weights) {
  const auto weight = [&weights](const Answer& answer) -> int64_t {
    return weights.empty() ? 1 : weights[static_cast<size_t>(answer.study)];
  };
  int64_t all = 0;
  for (const Answer& answer : answers) all += weight(answer);
  std::vector<RiskPoint> curve;
  int64_t answered = 0, wrong = 0;
  for (size_t i = 0; i < answers.size();) {
    const double confidence = answers[i].confidence;
    const int64_t before = answered;
    for (; i < answers.size() && answers[i].confidence == confidence; ++i) {
      answered += weight(answers[i]);
      wrong += answers[i].wrong ? weight(answers[i]) : 0;
    }
    if (answered == before) continue;
    curve.push_back({static_cast<double>(answered) / static_cast<double>(all),
                     static_cast<double>(wrong) / static_cast<double>(answered), confidence});
  }
  return curve;
}

// REQUIRES: the curve is not empty.
const RiskPoint& PointAt(const std::vector<RiskPoint>& curve, double asked) {
  const auto found = std::find_if(curve.begin(), curve.end(), [asked](const RiskPoint& point) {
    return point.coverage >= asked - kRounding;
  });
  return found == curve.end() ? curve.back() : *found;
}

double AreaOf(const std::vector<RiskPoint>& curve) {
  double area = 0, before = 0;
  for (const RiskPoint& point : curve) {
    area += (point.coverage - before) * point.risk;
    before = point.coverage;
  }
  return area;
}

}  // namespace

RiskCoverage MeasureRiskCoverage(const Cases& cases, const Resamples& resamples) {
  const std::vector<Answer> answers = AnswersOf(cases);
  const std::vector<Estimate> estimates = Bootstrap(
      [&answers](absl::Span<const int> weights) {
        const std::vector<RiskPoint> curve = CurveOf(answers, weights);
        std::vector<std::optional<double>> figures = {AreaOf(curve)};
        for (const double asked : kAskedCoverages) figures.push_back(PointAt(curve, asked).risk);
        return figures;
      },
      resamples);
  RiskCoverage result;
  result.curve = CurveOf(answers, {});
  result.area = estimates.front();
  for (const double asked : kAskedCoverages) {
    result.table.push_back(
        {asked, PointAt(result.curve, asked), estimates[result.table.size() + 1]});
  }
  return result;
}

}  // namespace m3lung
