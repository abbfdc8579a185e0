// SPDX-License-Identifier: Apache-2.0
// What must hold whatever the bytes are. A violation ends the program with its
// place, which a fuzzer and a replay both take for a crash.
#ifndef M3LUNG_TESTS_FUZZ_INVARIANTS_H_
#define M3LUNG_TESTS_FUZZ_INVARIANTS_H_

#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "preprocess/skip_reason.h"

namespace m3lung::testing {

[[noreturn]] inline void Violated(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  std::abort();
}

// The only text that leaves the server about a file: printable ASCII, which is
// valid UTF-8 and cannot forge a line of a log.
inline bool IsPrintable(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// An error that says why, in a code and in words.
inline bool IsSkipError(const absl::Status& status) {
  bool has_payload = false;
  status.ForEachPayload([&](absl::string_view, const absl::Cord&) { has_payload = true; });
  const int reason = static_cast<int>(SkipReasonOf(status));
  return (status.code() == absl::StatusCode::kInvalidArgument ||
          status.code() == absl::StatusCode::kResourceExhausted) &&
         has_payload && reason >= static_cast<int>(SkipReason::kNotDicom) &&
         reason <= static_cast<int>(SkipReason::kTooSlow) && !status.message().empty() &&
         IsPrintable(status.message());
}

}  // namespace m3lung::testing

#define M3L_FUZZ_REQUIRE(condition) \
  if (!(condition)) ::m3lung::testing::Violated(#condition, __FILE__, __LINE__)

#endif  // M3LUNG_TESTS_FUZZ_INVARIANTS_H_
