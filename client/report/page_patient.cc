#include "client/report/page_patient.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/label_names.h"
#include "client/report/html.h"
#include "client/report/label_colours.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

std::string Fact(absl::string_view name, absl::string_view value) {
  return absl::StrCat("<dt>", EscapeHtml(name), "</dt><dd>", EscapeHtml(value), "</dd>\n");
}

std::string Bars(const v1::PatientResult& patient) {
  if (patient.probabilities().empty()) {
    return "<p>No label is given; the reasons stand beside the verdict.</p>\n";
  }
  std::string bars;
  for (int i = 0; i < patient.probabilities_size() && i < static_cast<int>(kLabels.size()); ++i) {
    const v1::Label label = kLabels[static_cast<size_t>(i)];
    const double probability = std::clamp(patient.probabilities(i), 0.0F, 1.0F);
    absl::StrAppend(
        &bars, "<div class=\"bar", label == patient.label() ? " called" : "", "\"><span>", i, ": ",
        LabelName(label), "</span><div class=\"track\"><div class=\"fill\" style=\"width:",
        absl::StrFormat(
            "%.1f%%;background:%s\"></div></div><span class=\"value\">%.3f</span></div>\n",
            probability * 100, ColourOf(label).Css(), probability));
  }
  return bars;
}

std::string NameOf(const std::vector<std::string>& names, int instance) {
  const auto i = static_cast<size_t>(instance);
  return instance >= 0 && i < names.size() ? names[i] : std::string();
}

std::string LedgerRows(const v1::StudyAnswer& answer, const std::vector<std::string>& names) {
  std::map<int, const v1::SliceResult*> slice_of;
  for (const v1::SliceResult& slice : answer.slices()) slice_of[slice.instance()] = &slice;
  std::string rows;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    const auto slice = slice_of.find(receipt.instance());
    std::vector<std::string> remarks;
    if (!receipt.detail().empty()) remarks.push_back(receipt.detail());
    remarks.insert(remarks.end(), receipt.warnings().begin(), receipt.warnings().end());
    std::string place;
    std::string label;
    if (slice != slice_of.end()) {
      if (slice->second->has_index()) place = absl::StrCat(slice->second->index());
      label =
          slice->second->scored() ? std::string(LabelName(slice->second->label())) : "not scored";
    }
    absl::StrAppend(
        &rows, "<tr><td class=\"number\">", receipt.instance(), "</td><td>",
        EscapeHtml(NameOf(names, receipt.instance())), "</td><td>",
        receipt.status() == v1::SKIPPED
            ? EscapeHtml(absl::StrCat("skipped: ", v1::SkipReason_Name(receipt.reason())))
            : "used",
        "</td><td class=\"number\">", place, "</td><td>", label, "</td><td>",
        EscapeHtml(absl::StrJoin(remarks, "; ")), "</td></tr>\n");
  }
  return rows;
}

}  // namespace

std::string PatientSection(const v1::PatientResult& patient) {
  std::vector<std::string> reasons;
  for (const int reason : patient.reasons()) {
    reasons.push_back(v1::StudyReason_Name(static_cast<v1::StudyReason>(reason)));
  }
  std::string facts = Fact("Verdict", v1::Verdict_Name(patient.verdict()));
  if (!reasons.empty()) absl::StrAppend(&facts, Fact("Reasons", absl::StrJoin(reasons, ", ")));
  if (!patient.detail().empty()) absl::StrAppend(&facts, Fact("Detail", patient.detail()));
  absl::StrAppend(&facts, Fact("Slices", absl::StrCat(patient.slices_used(), " used of ",
                                                      patient.instances_received(), " received, ",
                                                      patient.instances_skipped(), " skipped")));
  if (patient.slices_by_label_size() > 0) {
    absl::StrAppend(&facts, Fact("Slices by label", SlicesByLabel(patient)));
  }
  if (patient.has_non_parametric()) {
    const v1::NonParametricAssessment& counts = patient.non_parametric();
    absl::StrAppend(
        &facts, Fact("By counting slices",
                     absl::StrFormat("%s (%.1f %% of slices called Healthy; Healthy above %.1f %%)",
                                     std::string(LabelName(counts.label())),
                                     counts.healthy_share() * 100, counts.threshold() * 100)));
  }
  return absl::StrCat(
      "<section>\n<h2>Patient</h2>\n<div class=\"patient\">\n<div><p class=\"call\">",
      LabelName(patient.label()),
      "</p><p class=\"faint\">the patient network's answer</p></div>\n<div>", Bars(patient),
      "</div>\n</div>\n<dl>\n", facts, "</dl>\n</section>\n");
}

std::string LabelKey() {
  std::string key = "<ul class=\"key\">";
  for (const v1::Label label : kLabels) {
    absl::StrAppend(&key, "<li><i style=\"background:", ColourOf(label).Css(), "\"></i>",
                    LabelName(label), "</li>");
  }
  return absl::StrCat(key, "<li><i style=\"background:", ColourOf(v1::LABEL_UNSPECIFIED).Css(),
                      ";opacity:.4\"></i>not scored</li></ul>\n");
}

std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names) {
  std::map<v1::SkipReason, int> skipped;
  for (const v1::InstanceReceipt& receipt : answer.receipts()) {
    if (receipt.status() == v1::SKIPPED) ++skipped[receipt.reason()];
  }
  std::string summary;
  if (skipped.empty()) {
    summary = "<p>Every instance was used.</p>\n";
  } else {
    summary = "<table>\n<tr><th>Skipped because</th><th class=\"number\">Instances</th></tr>\n";
    for (const auto& [reason, count] : skipped) {
      absl::StrAppend(&summary, "<tr><td>", EscapeHtml(v1::SkipReason_Name(reason)),
                      "</td><td class=\"number\">", count, "</td></tr>\n");
    }
    absl::StrAppend(&summary, "</table>\n");
  }
  return absl::StrCat(
      "<section>\n<h2>Ledger of instances</h2>\n", summary, "<details><summary>",
      Counted(answer.receipts_size(), "instance", "instances"),
      " in the order sent</summary>\n<div class=\"wide\"><table>\n<tr><th class=\"number\">No.</th>"
      "<th>Local file</th><th>Status</th><th class=\"number\">Slice</th><th>Label</th>"
      "<th>Remarks</th></tr>\n",
      LedgerRows(answer, instance_names), "</table></div></details>\n</section>\n");
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
