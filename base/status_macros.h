// SPDX-License-Identifier: Apache-2.0
// Early return for absl::Status and absl::StatusOr.
#ifndef M3LUNG_BASE_STATUS_MACROS_H_
#define M3LUNG_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function where `expression`, an absl::Status, is
// not OK.
#define M3L_RETURN_IF_ERROR(expression)                                              \
  do {                                                                               \
    if (absl::Status m3l_status = (expression); !m3l_status.ok()) return m3l_status; \
  } while (false)

// Declares or assigns `left` from `expression`, an absl::StatusOr, or returns
// its error from the enclosing function.
#define M3L_ASSIGN_OR_RETURN(left, expression) \
  M3L_ASSIGN_OR_RETURN_NAMED(M3L_CONCAT(m3l_status_or_, __LINE__), left, expression)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define M3L_ASSIGN_OR_RETURN_NAMED(name, left, expression) \
  auto name = (expression);                                \
  if (!name.ok()) return std::move(name).status();         \
  left = *std::move(name)
// NOLINTEND(bugprone-macro-parentheses)
#define M3L_CONCAT(a, b) M3L_CONCAT_EXPANDED(a, b)
#define M3L_CONCAT_EXPANDED(a, b) a##b

#endif  // M3LUNG_BASE_STATUS_MACROS_H_
