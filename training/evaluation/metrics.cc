// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/metrics.h"

namespace m3lung {
namespace {

// Sums the cells (truth, called) that `chosen(truth, called)` names.
template <typename Chosen>
int64_t Sum(const ConfusionMatrix& confusion, const Chosen& chosen) {
  int64_t sum = 0;
  for (const Label truth : kLabels) {
    for (const Label called : kLabels) {
      if (chosen(truth, called)) {
        sum += confusion[static_cast<size_t>(truth)][static_cast<size_t>(called)];
      }
    }
  }
  return sum;
}

std::optional<double> Share(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

bool Diseased(Label label) { return label != Label::kHealthy; }

int64_t DiseasedCases(const ConfusionMatrix& confusion) {
  return Sum(confusion, [](Label truth, Label) { return Diseased(truth); });
}

}  // namespace

ConfusionMatrix Confusion(const Cases& cases, absl::Span<const int> weights) {
  ConfusionMatrix confusion = {};
  for (size_t i = 0; i < cases.size(); ++i) {
    confusion[static_cast<size_t>(cases.truth[i])][static_cast<size_t>(cases.predicted[i])] +=
        weights.empty() ? 1 : weights[static_cast<size_t>(cases.study[i])];
  }
  return confusion;
}

std::optional<double> Sensitivity(const ConfusionMatrix& confusion, Label label) {
  return Share(
      Sum(confusion, [&](Label truth, Label called) { return truth == label && called == label; }),
      Sum(confusion, [&](Label truth, Label) { return truth == label; }));
}

std::optional<double> Specificity(const ConfusionMatrix& confusion, Label label) {
  return Share(
      Sum(confusion, [&](Label truth, Label called) { return truth != label && called != label; }),
      Sum(confusion, [&](Label truth, Label) { return truth != label; }));
}

std::optional<double> Accuracy(const ConfusionMatrix& confusion) {
  return Share(Sum(confusion, [](Label truth, Label called) { return truth == called; }),
               Sum(confusion, [](Label, Label) { return true; }));
}

std::optional<double> FalsePositiveError(const ConfusionMatrix& confusion) {
  return Share(Sum(confusion,
                   [](Label truth, Label called) { return !Diseased(truth) && Diseased(called); }),
               Sum(confusion, [](Label truth, Label) { return !Diseased(truth); }));
}

std::optional<double> FalseNegativeError(const ConfusionMatrix& confusion) {
  return Share(Sum(confusion,
                   [](Label truth, Label called) { return Diseased(truth) && !Diseased(called); }),
               DiseasedCases(confusion));
}

std::optional<double> FalseDiseasePredictionError(const ConfusionMatrix& confusion) {
  return Share(Sum(confusion,
                   [](Label truth, Label called) {
                     return Diseased(truth) && Diseased(called) && truth != called;
                   }),
               DiseasedCases(confusion));
}

}  // namespace m3lung
