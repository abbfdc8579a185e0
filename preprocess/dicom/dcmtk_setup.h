// SPDX-License-Identifier: Apache-2.0
// DCMTK's process-wide state. Private to the code that uses DCMTK.
#ifndef M3LUNG_PREPROCESS_DICOM_DCMTK_SETUP_H_
#define M3LUNG_PREPROCESS_DICOM_DCMTK_SETUP_H_

#include "absl/status/status.h"

namespace m3lung {

// Registers the decoders and silences DCMTK's own logger, which would print
// attribute values, and so patient data, to stderr. Work is done once, by the
// first caller. FAILED_PRECONDITION where DCMTK has no data dictionary.
//
// Thread safety: may be called from any thread, before any use of DCMTK.
absl::Status SetUpDcmtk();

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_DCMTK_SETUP_H_
