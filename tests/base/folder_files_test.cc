// SPDX-License-Identifier: Apache-2.0
#include "base/folder_files.h"

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FilesBeneathTest, SortsAndLeavesOutWhatIsHiddenOrAnIndex) {
  const TemporaryFolder folder;
  const fs::path b = folder.Add("b", "1");
  const fs::path deep = folder.Add("a/deep/2.dcm", "1");
  const fs::path first = folder.Add("a/1.dcm", "1");
  folder.Add(".hidden", "1");
  folder.Add("a/.git/config", "1");
  folder.Add("a/dicomdir", "1");
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  M3L_ASSERT_OK_AND_ASSIGN(const FolderFiles found, FilesBeneath(folder.path()));
  EXPECT_THAT(found.files, ElementsAre(first, deep, b));
  EXPECT_TRUE(found.unreadable.empty());
}

TEST(FilesBeneathTest, FollowsLinksToFilesAloneAndNamesThoseThatLeadNowhere) {
  const TemporaryFolder folder, elsewhere;
  const fs::path here = folder.path();
  fs::create_symlink(elsewhere.Add("file", "1"), here / "link");
  fs::create_symlink(elsewhere.path() / "gone", here / "nowhere");
  fs::create_symlink("circle", here / "circle");
  fs::create_directory_symlink(here, here / "up");
  fs::create_symlink("gone", here / ".hidden");
  M3L_ASSERT_OK_AND_ASSIGN(const FolderFiles found, FilesBeneath(here));
  EXPECT_THAT(found.files, ElementsAre(here / "link"));
  ASSERT_EQ(found.unreadable.size(), 2U);
  EXPECT_EQ(found.unreadable[0].path, here / "circle");
  EXPECT_THAT(found.unreadable[0].why, HasSubstr("symbolic links"));
  EXPECT_EQ(found.unreadable[1].path, here / "nowhere");
  EXPECT_EQ(found.unreadable[1].why, "the link leads nowhere");
}

TEST(FilesBeneathTest, SaysThatTheFolderCannotBeListed) {
  const TemporaryFolder folder;
  EXPECT_THAT(FilesBeneath(folder.path() / "gone"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("cannot list")));
}

// Rights that root has too cannot be taken from it but by being someone else.
class AsNobody {
 public:
  AsNobody() : changed_(geteuid() == 0 && seteuid(65534) == 0) {}
  ~AsNobody() {
    if (changed_ && seteuid(0) != 0) std::abort();
  }

 private:
  const bool changed_;
};

TEST(FilesBeneathTest, NamesFilesAndFoldersThatItMayNotRead) {
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  const fs::path open = folder.Add("a/1", "1"), secret = folder.Add("a/2", "1");
  const fs::path closed = folder.Add("b/3", "1").parent_path();
  fs::permissions(secret, fs::perms::none);
  fs::permissions(closed, fs::perms::none);
  absl::StatusOr<FolderFiles> found;
  {
    const AsNobody nobody;
    found = FilesBeneath(folder.path());
  }
  fs::permissions(closed, fs::perms::all);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(found->files, ElementsAre(open));
  ASSERT_EQ(found->unreadable.size(), 2U);
  EXPECT_EQ(found->unreadable[0].path, secret);
  EXPECT_EQ(found->unreadable[1].path, closed);
  for (const UnreadableEntry& entry : found->unreadable) {
    EXPECT_EQ(entry.why, "Permission denied");
  }
}

}  // namespace
}  // namespace m3lung
