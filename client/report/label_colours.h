// SPDX-License-Identifier: Apache-2.0
// The class colours by the contract's labels.
#ifndef M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_
#define M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_

#include "m3lung/v1/results.pb.h"
#include "report/colour.h"

namespace m3lung::client {

// Grey where there is no label.
Colour ColourOf(v1::Label label);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_REPORT_LABEL_COLOURS_H_
