// SPDX-License-Identifier: Apache-2.0
// The parts of the page that speak of the patient, and of who answered.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_
#define M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_

#include <string>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Verdict with its reasons, label, bars of probabilities, the assessment by
// counting, the shares of lung affected.
std::string PatientSection(const v1::PatientResult& patient);

// Which colour is which label.
std::string LabelKey();

// Which weights answered, and how long it took.
std::string ModelSection(const v1::PatientResult& patient);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_
