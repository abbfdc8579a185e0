// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace m3lung {
namespace {

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::testing::HasSubstr;

TEST(FilesTest, ReadsBackWhatItWroteAndLeavesNothingElse) {
  const std::filesystem::path directory =
      std::filesystem::path(::testing::TempDir()) / "files_test";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const std::string contents("a\0b\n", 4);
  ASSERT_THAT(WriteFile(directory / "x", "old"), IsOk());
  ASSERT_THAT(WriteFile(directory / "x", contents), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const std::string read, ReadFile(directory / "x"));
  EXPECT_EQ(read, contents);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
}

TEST(FilesTest, NamesTheFileThatIsMissing) {
  EXPECT_THAT(ReadFile("/no/such/file"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/file")));
  EXPECT_THAT(WriteFile("/no/such/file", ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/file")));
}

TEST(FilesTest, RefusesAFolder) {
  EXPECT_THAT(ReadFile("/tmp"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("folder")));
}

TEST(MakeFolderTest, MakesThoseAboveAndNamesTheOneItCannot) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "make_folder";
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(MakeFolder(folder / "a" / "b").ok());
  EXPECT_TRUE(MakeFolder(folder / "a" / "b").ok());
  ASSERT_TRUE(WriteFile(folder / "file", "").ok());
  const absl::Status status = MakeFolder(folder / "file" / "c");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find((folder / "file" / "c").string()),
            std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace m3lung
