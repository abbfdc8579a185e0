// SPDX-License-Identifier: Apache-2.0
// The four classes as people write them.
#ifndef M3LUNG_CLIENT_LABEL_NAMES_H_
#define M3LUNG_CLIENT_LABEL_NAMES_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// In class order.
inline constexpr std::array<v1::Label, 4> kLabels = {v1::HEALTHY, v1::COVID_19, v1::H1N1, v1::CAP};

// "Healthy", "COVID-19", "H1N1", "CAP"; "none" for LABEL_UNSPECIFIED, "unknown"
// for a value that this version does not know.
absl::string_view LabelName(v1::Label label);

// "Healthy 45, COVID-19 0, H1N1 0, CAP 15"
std::string SlicesByLabel(const v1::PatientResult& patient);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_LABEL_NAMES_H_
