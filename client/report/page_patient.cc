// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/figure_parts.h"
#include "client/report/page_sections.h"
#include "client/study_words.h"
#include "report/chart_parts.h"
#include "report/drawing.h"
#include "report/html.h"

namespace m3lung::client {
namespace {

std::string Bars(const Drawing& drawing) {
  return absl::StrCat("<div class=\"bars\">", Svg(drawing), "</div>\n");
}

std::string AffectedBars(const v1::PatientResult& patient) {
  if (!patient.has_affected_lung()) return "";
  const v1::AffectedLung& affected = patient.affected_lung();
  std::vector<Bar> bars;
  const auto add = [&bars](bool known, const std::string& part, float share) {
    if (!known) return;
    bars.push_back({part, share, StyleColour::kFaint, absl::StrFormat("%.1f %%", share * 100)});
  };
  add(true, "whole", affected.whole());
  add(affected.has_right(), "right", affected.right());
  add(affected.has_left(), "left", affected.left());
  add(affected.has_upper_third(), "upper third", affected.upper_third());
  add(affected.has_middle_third(), "middle third", affected.middle_third());
  add(affected.has_lower_third(), "lower third", affected.lower_third());
  return absl::StrCat(
      "<h3>Share of the lung that is affected</h3>\n<p class=\"faint\">An estimate from coarse "
      "masks, not a measurement.</p>\n",
      Bars(BarChart("Affected", bars, {.height = 20, .step = 48})));
}

std::string Probabilities(const v1::PatientResult& patient) {
  return patient.probabilities().empty() ? "" : Bars(ProbabilityBars(patient));
}

std::string VerdictBox(const v1::PatientResult& patient) {
  const std::string name = NameOf(patient.verdict());
  std::string box =
      absl::StrCat("<div class=\"verdict ", absl::AsciiStrToLower(name), "\"><p><strong>",
                   EscapeHtml(name), "</strong> ", EscapeHtml(ReasonNames(patient)), "</p>\n");
  if (!patient.detail().empty()) {
    absl::StrAppend(&box, "<p>", EscapeHtml(patient.detail()), "</p>\n");
  }
  return absl::StrCat(box, "</div>\n");
}

std::string Call(const v1::PatientResult& patient) {
  if (patient.label() == v1::LABEL_UNSPECIFIED) {
    return "<p class=\"call\">No label</p><p class=\"faint\">none is given; the verdict says why"
           "</p>";
  }
  return absl::StrCat("<p class=\"call\">", LabelName(patient.label()),
                      "</p><p class=\"faint\">the patient network's answer</p>");
}

std::string ByCounting(const v1::PatientResult& patient) {
  if (!patient.has_non_parametric()) return "";
  const v1::NonParametricAssessment& counts = patient.non_parametric();
  return absl::StrCat(
      "<dl>\n",
      Fact("By counting slices",
           absl::StrFormat("%s (%.1f %% of slices called Healthy; Healthy above %.1f %%)",
                           std::string(LabelName(counts.label())), counts.healthy_share() * 100,
                           counts.threshold() * 100)),
      "</dl>\n");
}

}  // namespace

std::string PatientSection(const v1::PatientResult& patient) {
  return Section("Patient",
                 absl::StrCat(VerdictBox(patient), "<div class=\"patient\">\n<div>", Call(patient),
                              "</div>\n<div>", Probabilities(patient), "</div>\n</div>\n",
                              ByCounting(patient), AffectedBars(patient)));
}

std::string ModelSection(const v1::PatientResult& patient) {
  const v1::ModelReference& model = patient.model();
  const v1::StageTimings& timings = patient.timings();
  return Section(
      "Model and timings",
      absl::StrCat(
          "<dl>\n", Fact("Name", model.name()), Fact("Version", model.version()),
          Fact("Digest", model.digest()), Fact("Notice", model.notice()),
          Fact("Time in all", absl::StrFormat("%.1f s", timings.total_ms() / 1000)),
          Fact("Summed over slices",
               absl::StrFormat("decode %.1f s, crop %.1f s, queue %.1f s, slice model %.1f s, "
                               "patient model %.1f s (stages overlap)",
                               timings.decode_ms() / 1000, timings.crop_ms() / 1000,
                               timings.queue_ms() / 1000, timings.slice_model_ms() / 1000,
                               timings.patient_model_ms() / 1000)),
          "</dl>\n"));
}

}  // namespace m3lung::client
