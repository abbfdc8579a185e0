// SPDX-License-Identifier: Apache-2.0
// The files beneath a folder, and what of it cannot be read.
#ifndef M3LUNG_BASE_FOLDER_FILES_H_
#define M3LUNG_BASE_FOLDER_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace m3lung {

struct UnreadableEntry {
  std::filesystem::path path;
  std::string why;  // "Permission denied"
};

struct FolderFiles {
  std::vector<std::filesystem::path> files;  // each can be opened
  // Files that cannot be opened, links that lead nowhere, folders that cannot be listed (each one
  // entry, whatever it holds).
  std::vector<UnreadableEntry> unreadable;
};

// What lies beneath `folder` at any depth, sorted by path. Left out are hidden files and folders,
// DICOMDIR, which is about images and none itself, links to folders, and what is neither file nor
// folder. The error is that `folder` itself cannot be listed.
absl::StatusOr<FolderFiles> FilesBeneath(const std::filesystem::path& folder);

// Why `file` cannot be opened for reading; empty where it can.
std::string WhyUnreadable(const std::filesystem::path& file);

}  // namespace m3lung

#endif  // M3LUNG_BASE_FOLDER_FILES_H_
