// SPDX-License-Identifier: Apache-2.0
// Matchers for absl::Status and absl::StatusOr, which this Abseil lacks.
#ifndef M3LUNG_TESTS_TESTING_STATUS_MATCHERS_H_
#define M3LUNG_TESTS_TESTING_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status) {
  return status.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// StatusIs(code, matcher of the message)
MATCHER_P2(StatusIs, code, message, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

}  // namespace m3lung::testing

#define M3L_ASSERT_OK_AND_ASSIGN(left, expression) \
  M3L_ASSERT_OK_AND_ASSIGN_NAMED(M3L_TEST_CONCAT(m3l_test_, __LINE__), left, expression)
#define M3L_ASSERT_OK_AND_ASSIGN_NAMED(name, left, expression) \
  auto name = (expression);                                    \
  ASSERT_TRUE(name.ok()) << name.status();                     \
  left = *std::move(name)
#define M3L_TEST_CONCAT(a, b) M3L_TEST_CONCAT_EXPANDED(a, b)
#define M3L_TEST_CONCAT_EXPANDED(a, b) a##b

#endif  // M3LUNG_TESTS_TESTING_STATUS_MATCHERS_H_
