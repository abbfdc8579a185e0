// SPDX-License-Identifier: Apache-2.0
// Text files as editors and spreadsheets save them.
#ifndef M3LUNG_TRAINING_DATA_TEXT_ENCODING_H_
#define M3LUNG_TRAINING_DATA_TEXT_ENCODING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// `text` without its byte order mark, in UTF-8 where that says UTF-16; bytes without a mark stay as
// they are. INVALID_ARGUMENT names the encoding that `text` breaks, or seems to have.
absl::StatusOr<std::string> ToUtf8(absl::string_view text);

}  // namespace m3lung

#endif  // M3LUNG_TRAINING_DATA_TEXT_ENCODING_H_
