// SPDX-License-Identifier: Apache-2.0
#include "base/folder_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

bool IsLeftOut(const fs::path& path) {
  const std::string name = path.filename().string();
  return absl::StartsWith(name, ".") || absl::EqualsIgnoreCase(name, "DICOMDIR");
}

std::error_code List(const fs::path& folder, FolderFiles& found);

void Take(const fs::directory_entry& entry, FolderFiles& found) {
  const fs::path& path = entry.path();
  if (IsLeftOut(path)) return;
  std::error_code error;
  const bool is_link = entry.is_symlink(error);
  const fs::file_status status = entry.status(error);
  if (fs::is_directory(status)) {
    if (is_link) return;
    if (error = List(path, found); error) found.unreadable.push_back({path, error.message()});
  } else if (fs::is_regular_file(status)) {
    const std::string why = WhyUnreadable(path);
    if (why.empty()) {
      found.files.push_back(path);
    } else {
      found.unreadable.push_back({path, why});
    }
  } else if (!fs::exists(status)) {
    const bool leads_nowhere = is_link && status.type() == fs::file_type::not_found;
    found.unreadable.push_back({path, leads_nowhere ? "the link leads nowhere" : error.message()});
  }
}

std::error_code List(const fs::path& folder, FolderFiles& found) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  while (!error && entry != fs::directory_iterator()) {
    Take(*entry, found);
    entry.increment(error);
  }
  return error;
}

}  // namespace

absl::StatusOr<FolderFiles> FilesBeneath(const fs::path& folder) {
  FolderFiles found;
  if (const std::error_code error = List(folder, found); error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot list ", folder.string()));
  }
  std::sort(found.files.begin(), found.files.end());
  std::sort(found.unreadable.begin(), found.unreadable.end(),
            [](const UnreadableEntry& a, const UnreadableEntry& b) { return a.path < b.path; });
  return found;
}

std::string WhyUnreadable(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return std::error_code(errno, std::generic_category()).message();
  close(descriptor);
  return "";
}

}  // namespace m3lung
