// SPDX-License-Identifier: Apache-2.0
// Text for a terminal.
#ifndef M3LUNG_CLIENT_TEXT_H_
#define M3LUNG_CLIENT_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace m3lung::client {

// `text` with every control character replaced by a space, so that words from
// the network cannot steer a terminal.
std::string Printable(absl::string_view text);

// `text` broken at spaces into lines of at most `width` bytes (a longer word has
// a line of its own), each after the first preceded by `indent`.
std::string Wrapped(absl::string_view text, size_t width, absl::string_view indent);

// "1 slice", "2 slices".
std::string Counted(int count, absl::string_view singular, absl::string_view plural);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_TEXT_H_
