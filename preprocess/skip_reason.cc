// SPDX-License-Identifier: Apache-2.0
#include "preprocess/skip_reason.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace m3lung {
namespace {

constexpr char kPayloadUrl[] = "m3lung.v1.SkipReason";

}  // namespace

absl::Status SkipError(SkipReason reason, absl::string_view detail) {
  const auto code = reason == SkipReason::kTooLarge ? absl::StatusCode::kResourceExhausted
                                                    : absl::StatusCode::kInvalidArgument;
  absl::Status status(code, detail);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  return status;
}

SkipReason SkipReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  int value = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &value)) {
    return SkipReason::kMalformed;
  }
  return static_cast<SkipReason>(value);
}

}  // namespace m3lung
