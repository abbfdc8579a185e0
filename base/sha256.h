// SPDX-License-Identifier: Apache-2.0
// SHA-256 in hexadecimal.
#ifndef M3LUNG_BASE_SHA256_H_
#define M3LUNG_BASE_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace m3lung {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace m3lung

#endif  // M3LUNG_BASE_SHA256_H_
