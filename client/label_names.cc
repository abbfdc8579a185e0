// SPDX-License-Identifier: Apache-2.0
#include "client/label_names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace m3lung::client {

absl::string_view LabelName(v1::Label label) {
  switch (label) {
    case v1::LABEL_UNSPECIFIED:
      return "none";
    case v1::HEALTHY:
      return "Healthy";
    case v1::COVID_19:
      return "COVID-19";
    case v1::H1N1:
      return "H1N1";
    case v1::CAP:
      return "CAP";
    default:
      return "unknown";
  }
}

std::string SlicesByLabel(const v1::PatientResult& patient) {
  std::vector<std::string> parts;
  for (int i = 0; i < patient.slices_by_label_size() && i < static_cast<int>(kLabels.size()); ++i) {
    parts.push_back(
        absl::StrCat(LabelName(kLabels[static_cast<size_t>(i)]), " ", patient.slices_by_label(i)));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace m3lung::client
