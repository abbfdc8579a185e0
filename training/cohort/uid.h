// SPDX-License-Identifier: Apache-2.0
// DICOM unique identifiers that are the same in every run.
#ifndef M3LUNG_TRAINING_COHORT_UID_H_
#define M3LUNG_TRAINING_COHORT_UID_H_

#include <string>

#include "absl/strings/string_view.h"

namespace m3lung {

// A UID under 2.25, the root for UUIDs, made from the digest of `name`: equal
// names give equal UIDs.
std::string UidFrom(absl::string_view name);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_COHORT_UID_H_
