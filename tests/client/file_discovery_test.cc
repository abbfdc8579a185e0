// SPDX-License-Identifier: Apache-2.0
#include "client/file_discovery.h"

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

TEST(FindInstancesTest, WalksFoldersSortedWithoutHiddenFilesAndIndices) {
  const TemporaryFolder folder;
  const auto b = folder.Add("b", "1");
  const auto deep = folder.Add("a/deep/2.dcm", "1");
  const auto first = folder.Add("a/1.dcm", "1");
  folder.Add(".hidden", "1");
  folder.Add(".git/config", "1");
  folder.Add("DICOMDIR", "1");
  folder.Add("a/dicomdir", "1");

  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({folder.path()}));
  EXPECT_THAT(found, ElementsAre(first, deep, b));
}

TEST(FindInstancesTest, TakesNamedFilesInTheirOrderAndEachOnce) {
  const TemporaryFolder folder;
  const auto a = folder.Add("a", "1");
  const auto hidden = folder.Add(".b", "1");

  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({hidden, a, folder.path() / "." / "a"}));
  EXPECT_THAT(found, ElementsAre(hidden, a));
}

TEST(FindInstancesTest, FollowsALinkToAFileButNotToAFolder) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  const auto file = elsewhere.Add("file", "1");
  std::filesystem::create_symlink(file, folder.path() / "link");
  std::filesystem::create_directory_symlink(folder.path(), folder.path() / "loop");

  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindInstances({folder.path()}));
  EXPECT_THAT(found, ElementsAre(folder.path() / "link"));
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
