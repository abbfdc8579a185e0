// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace m3lung {
namespace {

constexpr char kFalsePositives[] = "false positive rate (1 - specificity)";
constexpr char kTruePositives[] = "true positive rate (sensitivity)";
constexpr Colour kBefore = {0x8a, 0x8f, 0x98};
constexpr Colour kAfter = {0x2f, 0x86, 0xe6};

std::vector<PlotPoint> Points(const std::vector<RocPoint>& curve) {
  std::vector<PlotPoint> points;
  points.reserve(curve.size());
  for (const RocPoint& point : curve) {
    points.push_back({point.false_positive_rate, point.true_positive_rate, 0, ""});
  }
  return points;
}

std::vector<PlotPoint> Points(const std::vector<ReliabilityBin>& bins) {
  int most = 1;
  for (const ReliabilityBin& bin : bins) most = std::max(most, bin.cases);
  std::vector<PlotPoint> points;
  for (const ReliabilityBin& bin : bins) {
    if (bin.cases == 0) continue;
    points.push_back({bin.mean_confidence, bin.accuracy,
                      std::sqrt(static_cast<double>(bin.cases) / most),
                      absl::StrFormat("%d cases, confidence %.3f, accuracy %.3f", bin.cases,
                                      bin.mean_confidence, bin.accuracy)});
  }
  return points;
}

}  // namespace

absl::string_view ClassTitle(Label label) {
  static constexpr std::array<absl::string_view, kClasses> kTitles = {"Healthy", "COVID-19", "H1N1",
                                                                      "CAP"};
  return kTitles[static_cast<size_t>(label)];
}

std::string EstimateText(const Estimate& estimate) {
  if (!estimate.value) return "\u2013";
  std::string text = absl::StrFormat("%.3f", *estimate.value);
  if (estimate.interval) {
    absl::StrAppend(
        &text, absl::StrFormat(" [%.3f, %.3f]", estimate.interval->low, estimate.interval->high));
  }
  return text;
}

Plot RocPlot(absl::string_view title, const MethodEvaluation& method) {
  Plot plot = {std::string(title), kFalsePositives, kTruePositives, {}};
  for (const Label label : kLabels) {
    const ClassEvaluation& one = method.classes[static_cast<size_t>(label)];
    if (one.curve.empty()) continue;
    plot.series.push_back(
        {absl::StrCat(ClassTitle(label), ": AUC ", EstimateText(one.area_under_curve)),
         ClassColour(static_cast<int>(label)), Points(one.curve)});
  }
  return plot;
}

Plot LesionRocPlot(const LesionEvaluation& lesions) {
  Plot plot = {"Slices: lesion or none", kFalsePositives, kTruePositives, {}};
  if (!lesions.curve.empty()) {
    plot.series.push_back({absl::StrCat("Lesion: AUC ", EstimateText(lesions.area_under_curve)),
                           ClassColour(1), Points(lesions.curve)});
  }
  return plot;
}

Plot ReliabilityPlot(absl::string_view title, const Calibration& calibration,
                     const TemperatureEvaluation* temperature) {
  Plot plot = {std::string(title),
               "confidence (probability of the label)",
               "accuracy (share of right labels)",
               {}};
  plot.series.push_back(
      {absl::StrFormat("As answered: expected error %.3f", calibration.expected_error),
       temperature == nullptr ? kAfter : kBefore, Points(calibration.bins)});
  if (temperature != nullptr) {
    plot.series.push_back(
        {absl::StrFormat("With temperature %.2f: expected error %.3f", temperature->temperature,
                         temperature->after.expected_error),
         kAfter, Points(temperature->after.bins)});
  }
  return plot;
}

Plot RiskCoveragePlot(const std::vector<NamedGroup>& groups) {
  Plot plot = {"Patients: risk against coverage",
               "coverage (share answered, the surest first)",
               "risk (share of wrong answers among them)",
               {},
               /*diagonal=*/false};
  for (const auto& [name, group] : groups) {
    std::vector<PlotPoint> points;
    for (const RiskPoint& point : group->risk_coverage.curve) {
      points.push_back({point.coverage, point.risk, 0, ""});
    }
    plot.series.push_back({absl::StrCat(name, ": area ", EstimateText(group->risk_coverage.area)),
                           ClassColour(static_cast<int>(plot.series.size())), std::move(points)});
  }
  return plot;
}

}  // namespace m3lung
