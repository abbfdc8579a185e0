// SPDX-License-Identifier: Apache-2.0
// Which files on disk are a study's instances.
#ifndef M3LUNG_CLIENT_FILE_DISCOVERY_H_
#define M3LUNG_CLIENT_FILE_DISCOVERY_H_

#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"

namespace m3lung::client {

// The files that `paths` name: a file itself, a folder's files at any depth,
// sorted by path. In folders, hidden files and folders and DICOMDIR indices are
// left out, and links to folders are not followed; a file that is named outright
// is always taken. A file named twice is sent once. Whether a file holds DICOM
// is for the server to say.
//
// NOT_FOUND names the path that is not there, or the folders that hold no file.
absl::StatusOr<std::vector<std::filesystem::path>> FindInstances(
    const std::vector<std::filesystem::path>& paths);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_FILE_DISCOVERY_H_
