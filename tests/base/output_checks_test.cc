// SPDX-License-Identifier: Apache-2.0
#include "base/output_checks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Where nobody makes files, root neither.
constexpr char kNowhere[] = "/proc/self";

TEST(CheckOutputFileTest, TakesWhatCanBeWrittenAndLeavesNothing) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe", link = folder.path() / "link";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("file", link);
  for (const std::string& path :
       {(folder.path() / "new").string(), pipe.string(), link.string(), std::string("/dev/null"),
        std::string("/dev/stderr"), folder.Add("old", "kept").string()}) {
    EXPECT_THAT(CheckOutputFile(path), IsOk()) << path;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 3);
}

TEST(CheckOutputFileTest, SaysWhatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(CheckOutputFile(folder.path() / "gone" / "file"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there is no folder")));
  EXPECT_THAT(CheckOutputFile(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a folder; name a file")));
  EXPECT_THAT(CheckOutputFile(absl::StrCat(kNowhere, "/file")),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("cannot write into the folder"), HasSubstr(kNowhere))));
  const int reading = open("/dev/null", O_RDONLY);
  EXPECT_FALSE(CheckOutputFile(absl::StrCat("/dev/fd/", reading)).ok());
  close(reading);
  EXPECT_FALSE(CheckOutputFile(absl::StrCat("/dev/fd/", reading)).ok());
}

TEST(CheckOutputFolderTest, LooksAtTheNearestFolderThatIsThere) {
  const TemporaryFolder folder;
  EXPECT_THAT(CheckOutputFolder(folder.path()), IsOk());
  EXPECT_THAT(CheckOutputFolder(folder.path() / "a" / "b"), IsOk());
  EXPECT_THAT(CheckOutputFolder("a/b/c"), IsOk());  // relative to where the tests run
  EXPECT_TRUE(fs::is_empty(folder.path()));
  const fs::path below_nowhere = fs::path(kNowhere) / "a" / "b";
  EXPECT_THAT(CheckOutputFolder(below_nowhere),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(below_nowhere.string()), HasSubstr("cannot make"))));
  const fs::path file = folder.Add("file", "");
  EXPECT_THAT(CheckOutputFolder(file / "a"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is a file")));
}

TEST(CheckRoomTest, SaysHowMuchIsLeft) {
  const TemporaryFolder folder;
  EXPECT_THAT(CheckRoom(folder.path() / "later", 1), IsOk());
  EXPECT_THAT(CheckRoom(folder.path() / "later", std::numeric_limits<int64_t>::max()),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("too full"), HasSubstr("KiB are left"))));
}

}  // namespace
}  // namespace m3lung
