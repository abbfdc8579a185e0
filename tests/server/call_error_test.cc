// SPDX-License-Identifier: Apache-2.0
#include "server/call_error.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace m3lung {
namespace {

using ::testing::Pair;

TEST(CallErrorTest, CarriesReasonAndAdviceBesideCodeAndMessage) {
  const absl::Status error = CallError(absl::ResourceExhaustedError("full; try again later"),
                                       v1::SERVER_FULL, absl::Milliseconds(250));
  EXPECT_EQ(error.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(error.message(), "full; try again later");
  EXPECT_EQ(ErrorReasonOf(error), v1::SERVER_FULL);
  EXPECT_EQ(RetryAfterOf(error), absl::Milliseconds(250));
}

TEST(CallErrorTest, IsReplacedByWhatIsSaidLater) {
  const absl::Status first = CallError(absl::InternalError("?"), v1::PROCESSING_FAILED);
  const absl::Status second = CallError(first, v1::SERVER_FULL, absl::Seconds(1));
  EXPECT_EQ(ErrorReasonOf(first), v1::PROCESSING_FAILED);
  EXPECT_EQ(RetryAfterOf(first), absl::ZeroDuration());
  EXPECT_EQ(ErrorReasonOf(second), v1::SERVER_FULL);
  EXPECT_EQ(RetryAfterOf(second), absl::Seconds(1));
}

TEST(CallErrorTest, OtherStatusesSayNeither) {
  for (const absl::Status& status : {absl::OkStatus(), absl::NotFoundError("no such file")}) {
    EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_EQ(RetryAfterOf(status), absl::ZeroDuration());
  }
}

TEST(CallErrorTest, WhatCouldNotBeScoredIsTheDevicesTheModelsOrTheCallersDoing) {
  const auto error = [](const absl::Status& status) {
    const absl::Status made = ScoringError(status);
    EXPECT_EQ(made.message(), status.message());
    return std::pair(made.code(), ErrorReasonOf(made));
  };
  using Code = absl::StatusCode;
  EXPECT_THAT(error(absl::UnavailableError("")), Pair(Code::kUnavailable, v1::DEVICE_FAILED));
  EXPECT_THAT(error(absl::DeadlineExceededError("")),
              Pair(Code::kDeadlineExceeded, v1::ERROR_REASON_UNSPECIFIED));
  EXPECT_THAT(error(absl::CancelledError("")),
              Pair(Code::kCancelled, v1::ERROR_REASON_UNSPECIFIED));
  EXPECT_THAT(error(absl::InternalError("")), Pair(Code::kInternal, v1::MODEL_FAILED));
}

}  // namespace
}  // namespace m3lung
