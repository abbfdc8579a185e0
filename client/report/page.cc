// SPDX-License-Identifier: Apache-2.0
#include "client/report/page.h"

#include "absl/strings/str_cat.h"
#include "client/report/chart.h"
#include "client/report/notice.h"
#include "client/report/page_ledger.h"
#include "client/report/page_patient.h"
#include "client/report/page_slices.h"
#include "client/report/page_study.h"
#include "page/html.h"
#include "page/style_sheet.h"

namespace m3lung::client {
namespace {

std::string Notice(const v1::ModelReference& model) {
  return absl::StrCat("<p class=\"notice\" role=\"note\"><strong>", kResearchUseOnly, "</strong> ",
                      EscapeHtml(NoticeText(model)), "</p>\n");
}

// Nothing for a study that was rejected before any slice was answered.
std::string Slices(const v1::StudyAnswer& answer, const std::vector<SampledSlice>& samples) {
  if (answer.slices().empty()) return "";
  return absl::StrCat("<section>\n<h2>Lesion probability from head to feet</h2>\n",
                      LesionChart(answer.slices()), LabelKey(), "</section>\n",
                      SlicesSection(samples, answer.slices_size()));
}

}  // namespace

std::string MakePage(const v1::StudyAnswer& answer, const std::vector<SampledSlice>& samples,
                     const std::vector<std::string>& instance_names) {
  const v1::PatientResult& patient = answer.patient();
  const std::string notice = Notice(patient.model());
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>M3Lung-Sys report (research use only)</title>\n<style>",
      ReportStyleSheet(),
      "</style>\n</head>\n<body>\n<main>\n<h1>Pneumonia screening from chest CT</h1>\n"
      "<p class=\"faint\">M3Lung-Sys study report</p>\n",
      notice, PatientSection(patient), StudySection(answer), Slices(answer, samples), notice,
      LedgerSection(answer, instance_names), ModelSection(patient), notice,
      "</main>\n</body>\n</html>\n");
}

}  // namespace m3lung::client
