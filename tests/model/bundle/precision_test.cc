// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/precision.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PrecisionTest, NamesAreReadBack) {
  EXPECT_EQ(PrecisionName(Precision::kBf16), "bf16");
  for (const Precision precision : kPrecisions) {
    M3L_ASSERT_OK_AND_ASSIGN(const Precision read, ParsePrecision(PrecisionName(precision)));
    EXPECT_EQ(read, precision);
  }
  for (const auto* const other : {"int8", "auto"}) {
    EXPECT_THAT(ParsePrecision(other),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("fp32, bf16 or fp16"), HasSubstr(other))));
  }
}

TEST(PrecisionTest, AutoLeavesTheChoice) {
  M3L_ASSERT_OK_AND_ASSIGN(const auto open, ParsePrecisionOrAuto("auto"));
  EXPECT_FALSE(open.has_value());
  M3L_ASSERT_OK_AND_ASSIGN(const auto chosen, ParsePrecisionOrAuto("fp16"));
  EXPECT_EQ(chosen, Precision::kFp16);
  EXPECT_THAT(ParsePrecisionOrAuto("int8"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("auto, fp32, bf16 or fp16"), HasSubstr("\"int8\""))));
}

}  // namespace
}  // namespace m3lung
