// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <future>
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

TEST(FilesTest, KeepsAFilesRightsAndWritesALinksTarget) {
  const TemporaryFolder folder;
  const fs::path file = folder.Add("file", "old"), link = folder.path() / "link";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("file", link);
  ASSERT_THAT(WriteFile(link, "new"), IsOk());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(ReadFile(file).value(), "new");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);

  const fs::path elsewhere = folder.path() / "elsewhere";
  fs::create_symlink("elsewhere", folder.path() / "to nothing yet");
  ASSERT_THAT(WriteFile(folder.path() / "to nothing yet", "new"), IsOk());
  EXPECT_EQ(ReadFile(elsewhere).value(), "new");
}

TEST(FilesTest, WritesThroughPipesAndDescriptors) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::future<absl::StatusOr<std::string>> read =
      std::async(std::launch::async, [&] { return ReadFile(pipe); });
  EXPECT_THAT(WriteFile(pipe, "through"), IsOk());
  EXPECT_EQ(read.get().value(), "through");
  EXPECT_TRUE(fs::is_fifo(pipe));

  // As a shell's redirection: written to from where it stands.
  const fs::path file = folder.Add("file", "");
  const int descriptor = open(file.c_str(), O_WRONLY);
  ASSERT_EQ(write(descriptor, "table ", 6), 6);
  EXPECT_THAT(WriteFile(absl::StrCat("/dev/fd/", descriptor), "json"), IsOk());
  EXPECT_THAT(WriteFile(absl::StrCat("/proc/self/fd/", descriptor), "!"), IsOk());
  close(descriptor);
  EXPECT_EQ(ReadFile(file).value(), "table json!");
}

// Devices of the test's own: a mistake here would put a file in the place of the machine's.
TEST(FilesTest, WritesThroughDevices) {
  const TemporaryFolder folder;
  const fs::path null = folder.path() / "null", full = folder.path() / "full";
  if (mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 ||
      mknod(full.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) {
    GTEST_SKIP() << "devices cannot be made here";
  }
  const int opened = open(null.c_str(), O_WRONLY | O_CLOEXEC);
  if (opened < 0) GTEST_SKIP() << "devices cannot be opened here";
  close(opened);
  EXPECT_THAT(WriteFile(null, "lost"), IsOk());
  EXPECT_TRUE(fs::is_character_file(null));
  EXPECT_THAT(WriteFile(full, "x"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr(full.string()), HasSubstr("No space left on device"))));
  EXPECT_TRUE(fs::is_character_file(full));
}

// A disk that fills up, as far as the process can tell.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  rlimit before_ = {};
  void (*signal_)(int) = nullptr;
};

TEST(FilesTest, LeavesTheOldFileAndNothingElseWhereItCannotWriteTheNewOne) {
  const TemporaryFolder folder;
  const fs::path file = folder.Add("file", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_THAT(WriteFile(file, std::string(2000, 'x')),
                StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("File too large")));
  }
  EXPECT_EQ(ReadFile(file).value(), "old");
  // Written, and then there is no place for it.
  fs::create_directories(folder.path() / "folder" / "not empty");
  EXPECT_THAT(WriteFile(folder.path() / "folder", "x"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot write")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

TEST(FilesTest, ReadsFilesOfAnySizeAndThoseWithoutOne) {
  const TemporaryFolder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{3} << 20) + 1}) {
    const std::string contents(size, 'x');
    EXPECT_EQ(ReadFile(folder.Add("file", contents)).value(), contents);
  }
  EXPECT_THAT(ReadFile("/proc/self/status").value(), HasSubstr("VmRSS"));
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
