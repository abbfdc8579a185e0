// SPDX-License-Identifier: Apache-2.0
// Inflating a deflated data set, in bounded memory.
#ifndef M3LUNG_PREPROCESS_DICOM_INFLATE_H_
#define M3LUNG_PREPROCESS_DICOM_INFLATE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace m3lung {

enum class InflateEnd {
  kComplete,
  kTooLarge,   // there is more than the limit
  kTruncated,  // the bytes end before the deflated data do
  kDamaged,
};

struct Inflated {
  std::string bytes;  // whatever the end, what came before it
  InflateEnd end = InflateEnd::kComplete;
};

// Inflates raw deflate data (RFC 1951), as DICOM uses them. Takes memory as it is
// needed: never over twice `max_bytes`.
Inflated Inflate(absl::string_view deflated, int64_t max_bytes);

}  // namespace m3lung

#endif  // M3LUNG_PREPROCESS_DICOM_INFLATE_H_
