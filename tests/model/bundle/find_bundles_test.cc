// SPDX-License-Identifier: Apache-2.0
#include "model/bundle/find_bundles.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/tiny_bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

using ::m3lung::testing::IsOk;
using ::m3lung::testing::StatusIs;
using ::m3lung::testing::TemporaryFolder;
using ::m3lung::testing::TinyContents;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FindBundlesTest : public ::testing::Test {
 protected:
  // A folder with a manifest that names `name`/`version`.
  fs::path Put(const std::string& folder, const std::string& name, const std::string& version) {
    if (manifest_.empty()) {
      const TemporaryFolder made;
      const fs::path tiny = WriteBundle(TinyContents(), made.path(), false).value();
      manifest_ = ReadFile(tiny / "manifest.json").value();
    }
    fs::create_directories(At(folder));
    const std::string manifest = absl::StrReplaceAll(
        manifest_, {{R"("name": "tiny")", absl::StrCat(R"("name": ")", name, "\"")},
                    {R"("version": "1")", absl::StrCat(R"("version": ")", version, "\"")}});
    EXPECT_THAT(WriteFile(At(folder) / "manifest.json", manifest), IsOk());
    return At(folder);
  }
  fs::path At(const std::string& path) const { return scratch_.path() / path; }
  std::string Named(const std::string& path, const std::string& reason) const {
    return absl::StrCat(At(path).string(), " (", reason, ")");
  }

  const TemporaryFolder scratch_;
  std::string manifest_;
};

TEST_F(FindBundlesTest, SortsByNameThenByVersionAsNumbers) {
  for (const char* version : {"10", "2", "1.10", "1.9", "rest"}) {
    Put(absl::StrCat("a/", version), "a", version);
  }
  Put("b/1", "b", "1");
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindBundles(scratch_.path()));
  EXPECT_THAT(found.folders, ElementsAre(At("a/1.9"), At("a/1.10"), At("a/2"), At("a/10"),
                                         At("a/rest"), At("b/1")));
  EXPECT_THAT(found.passed_over, IsEmpty());
}

TEST_F(FindBundlesTest, PassesOverWhatCannotBeMeant) {
  Put("a/1", "a", "1");
  Put("a/1.bak", "a", "1");
  Put("a/.2.partial", "a", "2");
  Put("a.bak/1", "a", "1");
  fs::create_directory_symlink("1", At("a/latest"));
  fs::create_directory_symlink("gone", At("a/3"));
  fs::create_directory(At("a/4"));
  EXPECT_THAT(WriteFile(At("a/notes.txt"), "text"), IsOk());
  EXPECT_THAT(WriteFile(At("README"), "text"), IsOk());
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindBundles(scratch_.path()));
  EXPECT_THAT(found.folders, ElementsAre(At("a/1")));
  EXPECT_THAT(
      found.passed_over,
      ElementsAre(Named("README", "not a folder"), Named("a.bak/1", "the bundle in it is a/1"),
                  Named("a/.2.partial", "hidden"), Named("a/1.bak", "the bundle in it is a/1"),
                  Named("a/3", "a link that leads nowhere"), Named("a/4", "no manifest.json"),
                  Named("a/latest", "the bundle in it is a/1"),
                  Named("a/notes.txt", "not a folder")));
}

// As volumes made from a ConfigMap have them.
TEST_F(FindBundlesTest, FollowsLinksThatBearTheRightName) {
  Put("..2026_11_30/a/releases/one", "a", "1");
  fs::create_directory_symlink("..2026_11_30", At("..data"));
  fs::create_directory_symlink("..data/a", At("a"));
  fs::create_directory_symlink("releases/one", At("..2026_11_30/a/1"));
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindBundles(scratch_.path()));
  EXPECT_THAT(found.folders, ElementsAre(At("a/1")));
}

TEST_F(FindBundlesTest, FindsWhatIsMeantAndBroken) {
  Put("a/1", "a", "1");
  Put("a/2", "a", "2");
  ASSERT_THAT(WriteFile(At("a/2/manifest.json"), "{"), IsOk());
  fs::create_directories(At("a/3/manifest.json"));  // cannot be read
  M3L_ASSERT_OK_AND_ASSIGN(const auto found, FindBundles(scratch_.path()));
  EXPECT_THAT(found.folders, ElementsAre(At("a/1"), At("a/2"), At("a/3")));
}

TEST_F(FindBundlesTest, SaysWhatItSawAndWhatToDoWhereThereIsNone) {
  Put("a/1.bak", "a", "1");
  EXPECT_THAT(FindBundles(scratch_.path()),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("no model bundle under"),
                             HasSubstr(Named("a/1.bak", "the bundle in it is a/1")),
                             HasSubstr("m3lung-train init --out="))));
  EXPECT_THAT(
      FindBundles(At("none")),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr(Named("none", "No such file or directory"))));
}

TEST_F(FindBundlesTest, NamesTenOfManyAndCountsTheRest) {
  for (int i = 10; i < 23; ++i) fs::create_directories(At(absl::StrCat("a/", i)));
  EXPECT_THAT(FindBundles(scratch_.path()),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(Named("a/19", "no manifest.json") + " and 3 more;"),
                             ::testing::Not(HasSubstr("a/20")))));
}

}  // namespace
}  // namespace m3lung
