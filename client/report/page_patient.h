// The parts of the page that speak of the study as a whole.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_
#define M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_

#include <string>
#include <vector>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Verdict, label, bars of probabilities, the assessment by counting.
std::string PatientSection(const v1::PatientResult& patient);

// Which colour is which label.
std::string LabelKey();

// What became of each instance: the skipped ones by reason, then all of them.
std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names);

// Which weights answered, and how long it took.
std::string ModelSection(const v1::PatientResult& patient);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_PATIENT_H_
