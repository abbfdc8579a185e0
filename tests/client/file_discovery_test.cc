// SPDX-License-Identifier: Apache-2.0
#include "client/file_discovery.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung::client {
namespace {

using m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(FindInstancesTest, WalksFolders) {
  const TemporaryFolder folder;
  const auto b = folder.Add("b", "1");
  const auto deep = folder.Add("a/deep/2.dcm", "1");
  folder.Add(".hidden", "1");

  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({folder.path()}));
  EXPECT_THAT(found.files, ElementsAre(deep, b));
  EXPECT_EQ(DescribeUnreadable(found), "");
}

TEST(FindInstancesTest, TakesNamedFilesInTheirOrderAndEachOnce) {
  const TemporaryFolder folder;
  const auto a = folder.Add("a", "1");
  const auto hidden = folder.Add(".b", "1");

  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({hidden, a, folder.path() / "." / "a"}));
  EXPECT_THAT(found.files, ElementsAre(hidden, a));
}

TEST(FindInstancesTest, CountsWhatCannotBeReadAsOfTheStudyAndNamesAFew) {
  const TemporaryFolder folder;
  const auto file = folder.Add("9", "1");
  for (int i = 0; i < 7; ++i) {
    std::filesystem::create_symlink("gone", folder.path() / absl::StrCat(i));
  }
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({folder.path(), folder.path()}));
  EXPECT_THAT(found.files, ElementsAre(file));
  EXPECT_EQ(found.unreadable.size(), 7U);
  const std::string described = DescribeUnreadable(found);
  EXPECT_THAT(described,
              AllOf(HasSubstr("7 of 8 files cannot be read and count as missing: "),
                    HasSubstr((folder.path() / "0").string() + " (the link leads nowhere), "),
                    HasSubstr(", and 2 more"), Not(HasSubstr((folder.path() / "5").string()))));

  std::filesystem::remove(file);
  EXPECT_THAT(FindInstances({folder.path()}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("no files to send"), HasSubstr("7 of 7 files cannot"))));
}

TEST(FindInstancesTest, SaysWhichPathIsNotThere) {
  const TemporaryFolder folder;
  const auto gone = folder.path() / "gone";
  EXPECT_THAT(FindInstances({folder.path(), gone}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there is no " + gone.string())));
}

TEST(FindInstancesTest, RefusesAFolderWithoutFiles) {
  const TemporaryFolder folder;
  folder.Add("DICOMDIR", "1");
  EXPECT_THAT(FindInstances({folder.path()}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("no files to send"), HasSubstr(folder.path().string()))));
}

TEST(FindInstancesTest, RefusesWhatIsNeitherFileNorFolder) {
  EXPECT_THAT(FindInstances({"/dev/null"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/dev/null")));
}

}  // namespace
}  // namespace m3lung::client
