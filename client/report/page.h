// SPDX-License-Identifier: Apache-2.0
// The report as one HTML page that needs nothing beside it.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_H_
#define M3LUNG_CLIENT_REPORT_PAGE_H_

#include <string>
#include <vector>

#include "client/report/sampled_slices.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// Images are embedded, there are no links and no scripts, and every word that
// came from elsewhere is escaped. `instance_names` tell the reader which local
// file each instance is; shorter than the ledger where not known.
std::string MakePage(const v1::StudyAnswer& answer, const std::vector<SampledSlice>& samples,
                     const std::vector<std::string>& instance_names);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_H_
