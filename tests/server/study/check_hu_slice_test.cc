// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/study/study_slice.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

v1::HuSlice Message(double row_spacing_mm, double column_spacing_mm) {
  v1::HuSlice slice;
  slice.set_rows(2);
  slice.set_columns(3);
  slice.set_hu(std::string(12, '\0'));
  slice.set_row_spacing_mm(row_spacing_mm);
  slice.set_column_spacing_mm(column_spacing_mm);
  return slice;
}

TEST(CheckHuSliceTest, SpacingIsWithinWhatScannersHave) {
  for (const double mm : {0.01, 0.7, 100.0}) {
    EXPECT_THAT(CheckHuSlice(Message(mm, 0.7), {}), IsOk()) << mm;
    EXPECT_THAT(CheckHuSlice(Message(0.7, mm), {}), IsOk()) << mm;
  }
  for (const double mm : {0.0099, 1e-10, 0.0, -0.7, 100.1, std::nan(""), HUGE_VAL}) {
    const auto refused =
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("must be from 0.01 to 100"));
    EXPECT_THAT(CheckHuSlice(Message(mm, 0.7), {}), refused) << mm;
    EXPECT_THAT(CheckHuSlice(Message(0.7, mm), {}), refused) << mm;
  }
}

}  // namespace
}  // namespace m3lung
