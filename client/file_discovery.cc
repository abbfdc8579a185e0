// SPDX-License-Identifier: Apache-2.0
#include "client/file_discovery.h"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace m3lung::client {
namespace {

namespace fs = std::filesystem;

bool IsHidden(const fs::path& path) { return absl::StartsWith(path.filename().string(), "."); }

// The index of a DICOM medium: about the images, not one of them.
bool IsDicomDirectory(const fs::path& path) {
  return absl::EqualsIgnoreCase(path.filename().string(), "DICOMDIR");
}

absl::Status CannotList(const fs::path& folder, const std::error_code& error) {
  return absl::PermissionDeniedError(
      absl::StrCat("cannot list ", folder.string(), ": ", error.message()));
}

absl::StatusOr<std::vector<fs::path>> FilesUnder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  if (error) return CannotList(folder, error);
  while (entry != fs::recursive_directory_iterator()) {
    const fs::path& path = entry->path();
    std::error_code unreadable;
    if (IsHidden(path)) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file(unreadable) && !IsDicomDirectory(path)) {
      files.push_back(path);
    }
    entry.increment(error);
    if (error) return CannotList(folder, error);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::vector<fs::path>> FindInstances(const std::vector<fs::path>& paths) {
  std::vector<fs::path> instances;
  std::set<fs::path> seen;
  const auto add = [&](const fs::path& file) {
    std::error_code error;
    const fs::path canonical = fs::canonical(file, error);
    if (seen.insert(error ? file : canonical).second) instances.push_back(file);
  };
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      return absl::NotFoundError(absl::StrCat("there is no ", path.string()));
    }
    if (fs::is_directory(status)) {
      M3L_ASSIGN_OR_RETURN(const std::vector<fs::path> files, FilesUnder(path));
      for (const fs::path& file : files) add(file);
    } else if (fs::is_regular_file(status)) {
      add(path);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(path.string(), " is neither a file nor a folder"));
    }
  }
  if (instances.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no files to send in ",
        absl::StrJoin(paths, ", ",
                      [](std::string* out, const fs::path& path) { *out += path.string(); }),
        " (hidden files and DICOMDIR do not count)"));
  }
  return instances;
}

}  // namespace m3lung::client
