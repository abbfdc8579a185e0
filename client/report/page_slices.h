// SPDX-License-Identifier: Apache-2.0
// The part of the page that shows slices.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_SLICES_H_
#define M3LUNG_CLIENT_REPORT_PAGE_SLICES_H_

#include <string>
#include <vector>

#include "client/report/sampled_slices.h"

namespace m3lung::client {

// Each sampled slice with its map beneath. `slices`: how many there are in all.
std::string SlicesSection(const std::vector<SampledSlice>& samples, int slices);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_SLICES_H_
