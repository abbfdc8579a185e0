// SPDX-License-Identifier: Apache-2.0
// The part of the page about the slices as a whole: what they are and how they lie.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_STUDY_H_
#define M3LUNG_CLIENT_REPORT_PAGE_STUDY_H_

#include <string>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// How many slices there are, those without lung, the geometry, the series that was
// chosen and the others, and every warning once.
std::string StudySection(const v1::StudyAnswer& answer);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_STUDY_H_
