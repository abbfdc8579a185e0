// SPDX-License-Identifier: Apache-2.0
// The part of the page that tells what became of each instance.
#ifndef M3LUNG_CLIENT_REPORT_PAGE_LEDGER_H_
#define M3LUNG_CLIENT_REPORT_PAGE_LEDGER_H_

#include <string>
#include <vector>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// The skipped instances by reason, then all instances. An instance goes by its
// number in the order sent and, where known, its local file's name, since uids may
// be missing.
std::string LedgerSection(const v1::StudyAnswer& answer,
                          const std::vector<std::string>& instance_names);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_PAGE_LEDGER_H_
