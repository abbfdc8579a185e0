// SPDX-License-Identifier: Apache-2.0
#include "client/report/page_patient.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/label_names.h"
#include "client/report/label_colours.h"
#include "client/study_words.h"
#include "page/html.h"

namespace m3lung::client {
namespace {

// A name, a bar, a number. `share` in [0, 1]; `value` says it in digits.
std::string Bar(absl::string_view classes, absl::string_view name, double share,
                absl::string_view colour, absl::string_view value) {
  return absl::StrCat("<div class=\"", classes, "\"><span>", name,
                      "</span><div class=\"track\"><div class=\"fill\" style=\"width:",
                      absl::StrFormat("%.1f%%", std::clamp(share, 0.0, 1.0) * 100),
                      ";background:", colour, "\"></div></div><span class=\"value\">", value,
                      "</span></div>\n");
}

std::string ProbabilityBars(const v1::PatientResult& patient) {
  std::string bars;
  for (int i = 0; i < patient.probabilities_size() && i < static_cast<int>(kLabels.size()); ++i) {
    const v1::Label label = kLabels[static_cast<size_t>(i)];
    absl::StrAppend(&bars,
                    Bar(label == patient.label() ? "bar called" : "bar",
                        absl::StrCat(i, ": ", LabelName(label)), patient.probabilities(i),
                        ColourOf(label).Css(), absl::StrFormat("%.3f", patient.probabilities(i))));
  }
  return bars;
}

std::string AffectedBars(const v1::PatientResult& patient) {
  if (!patient.has_affected_lung()) return "";
  const v1::AffectedLung& affected = patient.affected_lung();
  std::string bars;
  const auto add = [&bars](bool known, absl::string_view part, float share) {
    if (!known) return;
    absl::StrAppend(&bars, Bar("bar small", part, share, "var(--faint)",
                               absl::StrFormat("%.1f %%", share * 100)));
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
      bars);
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
  return absl::StrCat("<section>\n<h2>Patient</h2>\n", VerdictBox(patient),
                      "<div class=\"patient\">\n<div>", Call(patient), "</div>\n<div>",
                      ProbabilityBars(patient), "</div>\n</div>\n", ByCounting(patient),
                      AffectedBars(patient), "</section>\n");
}

std::string LabelKey() {
  std::string key = "<ul class=\"key\">";
  for (const v1::Label label : kLabels) {
    absl::StrAppend(&key, "<li><i style=\"background:", ColourOf(label).Css(), "\"></i>",
                    LabelName(label), "</li>");
  }
  return absl::StrCat(key, "<li><i style=\"background:", ColourOf(v1::LABEL_UNSPECIFIED).Css(),
                      ";opacity:.4\"></i>no lung, not scored</li></ul>\n");
}

std::string ModelSection(const v1::PatientResult& patient) {
  const v1::ModelReference& model = patient.model();
  const v1::StageTimings& timings = patient.timings();
  return absl::StrCat(
      "<section>\n<h2>Model and timings</h2>\n<dl>\n", Fact("Name", model.name()),
      Fact("Version", model.version()), Fact("Digest", model.digest()),
      Fact("Notice", model.notice()),
      Fact("Time in all", absl::StrFormat("%.1f s", timings.total_ms() / 1000)),
      Fact("Summed over slices",
           absl::StrFormat("decode %.1f s, crop %.1f s, queue %.1f s, slice model %.1f s, patient "
                           "model %.1f s (stages overlap)",
                           timings.decode_ms() / 1000, timings.crop_ms() / 1000,
                           timings.queue_ms() / 1000, timings.slice_model_ms() / 1000,
                           timings.patient_model_ms() / 1000)),
      "</dl>\n</section>\n");
}

}  // namespace m3lung::client
