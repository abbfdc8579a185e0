// SPDX-License-Identifier: Apache-2.0
#include "client/file_discovery.h"

#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "client/text.h"

namespace m3lung::client {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNamed = 5;

// Puts a study's files together, each once.
class Collection {
 public:
  void AddFile(const fs::path& file) {
    if (IsNew(file)) study_.files.push_back(file);
  }
  void AddUnreadable(const UnreadableEntry& entry) {
    if (IsNew(entry.path)) study_.unreadable.push_back(entry);
  }
  StudyFiles Take() { return std::move(study_); }

 private:
  bool IsNew(const fs::path& file) {
    std::error_code error;
    const fs::path canonical = fs::canonical(file, error);
    return seen_.insert(error ? fs::absolute(file).lexically_normal() : canonical).second;
  }

  StudyFiles study_;
  std::set<fs::path> seen_;
};

}  // namespace

absl::StatusOr<StudyFiles> FindInstances(const std::vector<fs::path>& paths) {
  Collection collection;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      return absl::NotFoundError(absl::StrCat("there is no ", path.string()));
    }
    if (fs::is_directory(status)) {
      M3L_ASSIGN_OR_RETURN(const FolderFiles found, FilesBeneath(path));
      for (const fs::path& file : found.files) collection.AddFile(file);
      for (const UnreadableEntry& entry : found.unreadable) collection.AddUnreadable(entry);
    } else if (fs::is_regular_file(status)) {
      const std::string why = WhyUnreadable(path);
      if (why.empty()) {
        collection.AddFile(path);
      } else {
        collection.AddUnreadable({path, why});
      }
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(path.string(), " is neither a file nor a folder"));
    }
  }
  StudyFiles study = collection.Take();
  if (study.files.empty()) {
    const std::string unreadable = DescribeUnreadable(study);
    return absl::NotFoundError(absl::StrCat(
        "no files to send in ",
        absl::StrJoin(paths, ", ",
                      [](std::string* out, const fs::path& path) { *out += path.string(); }),
        unreadable.empty() ? " (hidden files and DICOMDIR do not count)" : "; ", unreadable));
  }
  return study;
}

std::string DescribeUnreadable(const StudyFiles& study) {
  if (study.unreadable.empty()) return "";
  std::vector<std::string> named;
  for (const UnreadableEntry& entry : study.unreadable) {
    if (named.size() == kMostNamed) {
      named.push_back(absl::StrCat("and ", study.unreadable.size() - kMostNamed, " more"));
      break;
    }
    named.push_back(absl::StrCat(entry.path.string(), " (", entry.why, ")"));
  }
  const size_t unreadable = study.unreadable.size();
  return absl::StrCat(unreadable, " of ",
                      Counted(static_cast<int>(unreadable + study.files.size()), "file", "files"),
                      unreadable == 1 ? " cannot be read and counts" : " cannot be read and count",
                      " as missing: ", absl::StrJoin(named, ", "));
}

}  // namespace m3lung::client
