// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/write_evaluation.h"

#include <optional>

#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "report/drawing.h"
#include "report/plot.h"
#include "training/evaluation/curves.h"
#include "training/evaluation/evaluation_json.h"
#include "training/evaluation/evaluation_page.h"
#include "training/evaluation/groups.h"

namespace m3lung {
namespace {

absl::Status WritePlot(const Plot& plot, const std::filesystem::path& path) {
  return WritePng(DrawPlot(plot), kPlotScale, path);
}

}  // namespace

absl::Status WriteEvaluation(const Evaluation& evaluation, const EvaluationFacts& facts,
                             const std::filesystem::path& folder) {
  M3L_RETURN_IF_ERROR(MakeFolder(folder));
  M3L_RETURN_IF_ERROR(WriteFile(folder / "evaluation.json", EvaluationJson(evaluation, facts)));
  M3L_RETURN_IF_ERROR(WriteFile(folder / "report.html", EvaluationPage(evaluation, facts)));
  M3L_RETURN_IF_ERROR(
      WritePlot(RocPlot("ROC, patients", evaluation.patients), folder / "roc-patients.png"));
  if (evaluation.patients.calibration) {
    const auto& temperature = evaluation.temperature;
    M3L_RETURN_IF_ERROR(
        WritePlot(ReliabilityPlot("Reliability, patients", *evaluation.patients.calibration,
                                  temperature ? &*temperature : nullptr),
                  folder / "reliability-patients.png"));
  }
  M3L_RETURN_IF_ERROR(
      WritePlot(RiskCoveragePlot(NamedGroups(evaluation)), folder / "risk-coverage-patients.png"));
  const auto write_reliability = [&folder](const std::optional<GroupEvaluation>& group,
                                           absl::string_view title, const char* file) {
    if (!group) return absl::OkStatus();
    return WritePlot(ReliabilityPlot(title, *group->patients.calibration, nullptr), folder / file);
  };
  M3L_RETURN_IF_ERROR(write_reliability(evaluation.real_lungs, "Reliability, patients, real lungs",
                                        "reliability-patients-real.png"));
  M3L_RETURN_IF_ERROR(write_reliability(evaluation.synthetic_lungs,
                                        "Reliability, patients, synthetic lungs",
                                        "reliability-patients-synthetic.png"));
  if (!evaluation.slices) return absl::OkStatus();
  M3L_RETURN_IF_ERROR(
      WritePlot(RocPlot("ROC, slices", *evaluation.slices), folder / "roc-slices.png"));
  M3L_RETURN_IF_ERROR(WritePlot(LesionRocPlot(*evaluation.lesions), folder / "roc-lesions.png"));
  return WritePlot(ReliabilityPlot("Reliability, slices", *evaluation.slices->calibration, nullptr),
                   folder / "reliability-slices.png");
}

}  // namespace m3lung
