// SPDX-License-Identifier: Apache-2.0
// Whose study an instance is of, without keeping what names a person.
#ifndef M3LUNG_PREPROCESS_STUDY_IDENTITY_H_
#define M3LUNG_PREPROCESS_STUDY_IDENTITY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace m3lung {

// Digests with a salt that each process draws: equal for equal values within one process, and of no
// meaning outside it. 0: the instance does not say. Never logged, never answered.
struct StudyIdentity {
  uint64_t study = 0;  // Study Instance UID
  uint64_t patient_id = 0;
  uint64_t patient_name = 0;
};

// The digest of a value without the spaces and NULs around it; 0 where nothing is left.
uint64_t IdentityDigest(absl::string_view value);

// A patient's name (the bytes of a DICOM PN) as it is compared: its first component group without
// case, punctuation and padding, so that "Doe^John" and "DOE^JOHN^^^" are one name. Letters outside
// of ASCII, whose bytes depend on the character set, are one '?' each run; a name that has no
// other letters is compared by its bytes.
std::string ComparableName(absl::string_view value);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_STUDY_IDENTITY_H_
