// SPDX-License-Identifier: Apache-2.0
// The warning that every report repeats.
#ifndef M3LUNG_CLIENT_REPORT_NOTICE_H_
#define M3LUNG_CLIENT_REPORT_NOTICE_H_

#include <string>

#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// What follows kResearchUseOnly: no diagnosis, then the model's own notice, of
// which a leading kResearchUseOnly is not said twice.
std::string NoticeText(const v1::ModelReference& model);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_NOTICE_H_
