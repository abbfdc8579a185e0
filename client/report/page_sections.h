// SPDX-License-Identifier: Apache-2.0
// The parts of the report's page, each a <section>.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_SECTIONS_H_
#define M3LUNG_CLIENT_REPORT_PAGE_SECTIONS_H_

#include <string>
#include <vector>

#include "client/report/sampled_slices.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Verdict with its reasons, label, bars of probabilities, the assessment by
// counting, the shares of lung affected.
std::string PatientSection(const v1::PatientResult& patient);

// How many slices there are, those without lung, the geometry, the series that was
// chosen and the others, and every warning once.
std::string StudySection(const v1::StudyAnswer& answer);

// Each sampled slice with its map beneath. `slices`: how many there are in all.
std::string SlicesSection(const std::vector<SampledSlice>& samples, int slices);

// The skipped instances by reason, then all instances. An instance goes by its
// number in the order sent and, where known, its local file's name, since uids may
// be missing.
std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names);

// Which weights answered, and how long it took.
std::string ModelSection(const v1::PatientResult& patient);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_SECTIONS_H_
