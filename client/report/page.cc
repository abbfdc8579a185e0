// SPDX-License-Identifier: Apache-2.0
#include "client/report/page.h"

#include "absl/strings/str_cat.h"
#include "client/report/chart.h"
#include "client/report/notice.h"
#include "client/report/page_sections.h"
#include "report/drawing.h"
#include "report/html.h"

namespace m3lung::client {
namespace {

// Nothing for a study that was rejected before any slice was answered.
std::string Slices(const v1::StudyAnswer& answer, const std::vector<SampledSlice>& samples) {
  if (answer.slices().empty()) return "";
  return absl::StrCat(
      Section("Lesion probability from head to feet", Svg(LesionChart(answer.slices()))),
      SlicesSection(samples, answer.slices_size()));
}

}  // namespace

std::string MakePage(const v1::StudyAnswer& answer, const std::vector<SampledSlice>& samples,
                     const std::vector<std::string>& instance_names) {
  const v1::PatientResult& patient = answer.patient();
  const std::string notice = ResearchNotice(NoticeText(patient.model()));
  return Page(
      "M3Lung-Sys report (research use only)", "",
      absl::StrCat("<h1>Pneumonia screening from chest CT</h1>\n"
                   "<p class=\"faint\">M3Lung-Sys study report</p>\n",
                   notice, PatientSection(patient), StudySection(answer), Slices(answer, samples),
                   notice, LedgerSection(answer, instance_names), ModelSection(patient), notice));
}

}  // namespace m3lung::client
