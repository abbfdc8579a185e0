// SPDX-License-Identifier: Apache-2.0
#include "preprocess/crop_mode.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CropModeTest, NamesAreReadBack) {
  EXPECT_EQ(CropModeName(CropMode::kPaper), "paper");
  EXPECT_EQ(CropModeName(CropMode::kVolume), "volume");
  for (const CropMode mode : kCropModes) {
    M3L_ASSERT_OK_AND_ASSIGN(const CropMode read, ParseCropMode(CropModeName(mode)));
    EXPECT_EQ(read, mode);
  }
}

TEST(CropModeTest, OtherNamesAreRefusedWithThoseThatThereAre) {
  for (const auto* const other : {"", "none", "Paper", "paper "}) {
    EXPECT_THAT(ParseCropMode(other),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("paper or volume"), HasSubstr(other))));
  }
}

}  // namespace
}  // namespace m3lung
