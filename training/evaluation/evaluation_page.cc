// SPDX-License-Identifier: Apache-2.0
#include "training/evaluation/evaluation_page.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/drawing.h"
#include "report/html.h"
#include "training/evaluation/curves.h"
#include "training/evaluation/evaluation_tables.h"
#include "training/evaluation/group_tables.h"
#include "training/evaluation/groups.h"

namespace m3lung {
namespace {

constexpr size_t kMistakesShown = 20;

// What the client's page has no need of.
constexpr char kOwnStyle[] = R"css(
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr));
  gap: 24px 28px; }
.plot { max-width: 460px; min-width: 0; overflow-x: auto; }
.plot h3 { margin-top: 4px; }
.confusion { font-size: .84rem; }
.confusion td { border: 1px solid var(--rule); }
.confusion th, .confusion td { padding: 4px 6px; }
.confusion .faint { font-size: .92em; }
td.number { white-space: nowrap; }
.wide th.number, .wide td.number { padding-left: 8px; }
.wide td { overflow-wrap: normal; min-width: 5em; }
.remark { margin: 12px 0 0; max-width: 75em; }
)css";

constexpr char kNotice[] =
    "Not a medical device, not for diagnosis. The figures hold for the data named here and for no "
    "other.";

std::string Remark(absl::string_view text) {
  return absl::StrCat("<p class=\"faint remark\">", EscapeHtml(text), "</p>\n");
}

std::string Plots(const std::vector<std::string>& plots) {
  std::string html = "<div class=\"plots\">\n";
  for (const std::string& plot : plots) absl::StrAppend(&html, plot);
  return absl::StrCat(html, "</div>\n");
}

std::string PlotFigure(const Plot& plot) {
  return absl::StrCat("<figure class=\"plot\">", Svg(DrawPlot(plot)), "</figure>\n");
}

std::string OrNothing(const std::string& text) { return text.empty() ? kNothing : text; }

std::string FactsSection(const Evaluation& evaluation, const EvaluationFacts& facts) {
  std::array<int, kClasses> by_class = {};
  int64_t slices = 0;
  for (const StudyEvaluation& study : evaluation.studies) {
    ++by_class[static_cast<size_t>(study.prediction.truth)];
    slices += study.slices;
  }
  std::vector<std::string> counts;
  counts.reserve(kLabels.size());
  for (const Label label : kLabels) {
    counts.push_back(absl::StrCat(ClassTitle(label), " ", by_class[static_cast<size_t>(label)]));
  }
  return Section(
      "What was evaluated",
      absl::StrCat(
          "<dl>\n", Fact("Data", OrNothing(facts.data)),
          Fact("Studies", absl::StrCat(evaluation.studies.size(), ": ", counts[0], ", ", counts[1],
                                       ", ", counts[2], ", ", counts[3])),
          Fact("Slices scored", slices == 0 ? kNothing : absl::StrCat(slices)),
          Fact("Model", OrNothing(facts.model)),
          Fact("Digest of its manifest", OrNothing(facts.model_digest)),
          Fact("It was trained on", OrNothing(facts.training_data)),
          Fact("Intervals", absl::StrFormat("95 %%, from %d resamples of whole studies, seed %d",
                                            evaluation.resamples, evaluation.seed)),
          Fact("Made by", OrNothing(facts.command)), "</dl>\n"));
}

std::string PatientSection(const Evaluation& evaluation) {
  const NamedMethod network = {"Patient network", &evaluation.patients};
  std::vector<NamedMethod> methods = {network};
  if (evaluation.non_parametric) {
    methods.emplace_back("Assessment without parameters", &*evaluation.non_parametric);
  }
  const std::string p_value =
      evaluation.p_value
          ? absl::StrFormat(
                "Difference in accuracy between the two: p = %.3f, two-sided, from the same "
                "resamples for both. ",
                *evaluation.p_value)
          : "";
  return Section(
      "Patients",
      absl::StrCat(
          OverallTable(methods),
          Remark(absl::StrCat(
              p_value,
              "FPE: share of the Healthy called diseased. FNE: share of the diseased called "
              "Healthy. FDPE: share of the diseased called by another disease.")),
          "<h3>By class</h3>\n", ClassTable(methods)));
}

std::string LungsSection(const Evaluation& evaluation) {
  const std::vector<NamedGroup> groups = NamedGroups(evaluation);
  const int cases = evaluation.patients.cases;
  int stated = 0;
  std::vector<NamedMethod> methods;
  for (const auto& [name, group] : groups) {
    methods.emplace_back(name, &group->patients);
    if (group != &evaluation) stated += group->patients.cases;
  }
  std::string remark =
      "Specificity: share of the studies without pneumonia that are called Healthy. Confidently "
      "wrong: "
      "share of them that are called by a disease with a probability of 0.9 or more. Called "
      "Healthy: share of the slices of studies without pneumonia. An interval of one or two "
      "studies tells nothing. ";
  if (evaluation.distinct_patients < cases) {
    absl::StrAppend(&remark, "Where there are fewer patients than studies, several studies are of ",
                    "one patient (lesions laid into one background, say). They are not ",
                    "independent, so that the intervals, which resample studies, are too narrow. ");
  }
  if (stated == 0) {
    absl::StrAppend(&remark, "The data do not state whose lungs are real and whose synthetic.");
  } else if (stated < cases) {
    absl::StrAppend(&remark, "Of ", cases - stated, " studies it is not stated which lungs ",
                    "they have: they are among all studies alone.");
  }
  return Section("Real and synthetic lungs",
                 absl::StrCat("<h3>Patients</h3>\n", GroupTable(groups), "<h3>Slices</h3>\n",
                              GroupSliceTable(groups), Remark(remark),
                              groups.size() > 1 ? "<h3>By class</h3>\n" : "",
                              groups.size() > 1 ? ClassTable(methods, "Lungs") : ""));
}

std::string RiskSection(const Evaluation& evaluation) {
  const std::vector<NamedGroup> groups = NamedGroups(evaluation);
  return Section(
      "If the least certain patients were not answered",
      absl::StrCat(Plots({PlotFigure(RiskCoveragePlot(groups))}), RiskTable(groups),
                   Remark("Patients are answered in the order of their highest probability, "
                          "those of the same together. Cells are the share of wrong answers among "
                          "those answered, and the probability from which on they are. The area "
                          "is the mean of the curve (AURC); a model whose probabilities tell "
                          "nothing of its mistakes has its share of wrong answers everywhere.")));
}

std::string SliceSection(const Evaluation& evaluation) {
  if (!evaluation.slices) {
    return Section("Slices", Remark("No slice whose truth is known was predicted."));
  }
  const std::vector<NamedMethod> methods = {{"Slice network", &*evaluation.slices}};
  const LesionEvaluation& lesions = *evaluation.lesions;
  return Section(
      "Slices",
      absl::StrCat(
          OverallTable(methods), "<h3>By class</h3>\n", ClassTable(methods),
          "<h3>Lesion or none, by the lesion probability</h3>\n<dl>\n",
          Fact("Slices with and without", absl::StrCat(lesions.with, " and ", lesions.without)),
          Fact("AUC", EstimateText(lesions.area_under_curve)),
          Fact("Average precision", EstimateText(lesions.average_precision)), "</dl>\n",
          Remark(
              "The truth of a slice is Healthy where it shows no lesion, else its study's label; "
              "slices of diseased studies of which that is not known are left out. Intervals "
              "resample studies with all their slices, since slices of one study resemble each "
              "other.")));
}

std::string ConfusionSection(const Evaluation& evaluation) {
  std::vector<std::string> tables = {ConfusionTable({"Patient network", &evaluation.patients})};
  if (evaluation.non_parametric) {
    tables.push_back(
        ConfusionTable({"Assessment without parameters", &*evaluation.non_parametric}));
  }
  if (evaluation.slices) {
    tables.push_back(ConfusionTable({"Slice network", &*evaluation.slices}));
  }
  return Section("What was called what",
                 absl::StrCat(Plots(tables), Remark("Rows are the truth, columns the labels given; "
                                                    "shares are of the row.")));
}

std::string CurveSection(const Evaluation& evaluation) {
  std::vector<std::string> plots = {PlotFigure(RocPlot("Patients", evaluation.patients))};
  if (evaluation.slices) plots.push_back(PlotFigure(RocPlot("Slices", *evaluation.slices)));
  if (evaluation.lesions) plots.push_back(PlotFigure(LesionRocPlot(*evaluation.lesions)));
  return Section("Receiver operating characteristic, each class against the rest", Plots(plots));
}

std::string CalibrationSection(const Evaluation& evaluation) {
  if (!evaluation.patients.calibration) return "";
  const TemperatureEvaluation* temperature =
      evaluation.temperature ? &*evaluation.temperature : nullptr;
  const Calibration& patients = *evaluation.patients.calibration;
  std::vector<std::string> plots = {PlotFigure(ReliabilityPlot("Patients", patients, temperature))};
  std::string tables = absl::StrCat("<h3>Patients</h3>\n", CalibrationTable(patients, temperature));
  for (const auto& [name, group] : NamedGroups(evaluation)) {
    if (group == &evaluation) continue;
    const Calibration& own = *group->patients.calibration;
    plots.push_back(PlotFigure(ReliabilityPlot(absl::StrCat("Patients: ", name), own, nullptr)));
    absl::StrAppend(&tables, "<h3>Patients: ", name, "</h3>\n", CalibrationTable(own, nullptr));
  }
  if (evaluation.slices && evaluation.slices->calibration) {
    const Calibration& slices = *evaluation.slices->calibration;
    plots.push_back(PlotFigure(ReliabilityPlot("Slices", slices, nullptr)));
    absl::StrAppend(&tables, "<h3>Slices</h3>\n", CalibrationTable(slices, nullptr));
  }
  return Section("Calibration", absl::StrCat(Plots(plots), tables,
                                             Remark("On the dashed line probabilities mean what "
                                                    "they say. A dot is a tenth of the range, its "
                                                    "area the number of cases.")));
}

std::string MapSection(const Evaluation& evaluation) {
  if (!evaluation.maps) {
    return Section("Location maps against the known lesions", Remark("No maps were scored."));
  }
  return Section(
      "Location maps against the known lesions",
      absl::StrCat(
          MapTable(*evaluation.maps),
          Remark(
              "Of each slice that shows a lesion and was called so. Pointing game: share of maps "
              "whose highest point lies in a lesion or within half a cell of one. IoU: "
              "intersection over union of the map above the threshold with the lesions; the "
              "threshold is chosen on these slices.")));
}

std::string StudySection(const Evaluation& evaluation) {
  return absl::StrCat(
      Section("The worst mistakes", MistakesTable(evaluation.studies, kMistakesShown)),
      Section("All studies", absl::StrCat("<details><summary>", evaluation.studies.size(),
                                          " studies in the order of the data</summary>\n",
                                          StudiesTable(evaluation.studies), "</details>\n")));
}

}  // namespace

std::string EvaluationPage(const Evaluation& evaluation, const EvaluationFacts& facts) {
  const std::string notice = ResearchNotice(kNotice);
  return Page("M3Lung-Sys evaluation (research use only)", kOwnStyle,
              absl::StrCat("<h1>Evaluation</h1>\n<p class=\"faint\">M3Lung-Sys: pneumonia "
                           "screening from chest CT</p>\n",
                           notice, FactsSection(evaluation, facts), PatientSection(evaluation),
                           LungsSection(evaluation), SliceSection(evaluation),
                           ConfusionSection(evaluation), CurveSection(evaluation),
                           CalibrationSection(evaluation), RiskSection(evaluation),
                           MapSection(evaluation), StudySection(evaluation), notice));
}

}  // namespace m3lung
