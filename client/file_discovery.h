// SPDX-License-Identifier: Apache-2.0
// Which files on disk are a study's instances.
#ifndef M3LUNG_CLIENT_FILE_DISCOVERY_H_
#define M3LUNG_CLIENT_FILE_DISCOVERY_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/folder_files.h"

namespace m3lung::client {

// A study's files, `files` in the order in which they are sent; what cannot be read is of the
// study too, and counts as missing.
using StudyFiles = FolderFiles;

// What `paths` name: a file itself, a folder's files at any depth, sorted by path
// (base/folder_files.h says what is left out); a file that is named outright is always taken. A
// file named twice is sent once. Whether a file holds DICOM is for the server to say.
//
// NOT_FOUND names the path that is not there, or the folders that hold no file that can be read.
absl::StatusOr<StudyFiles> FindInstances(const std::vector<std::filesystem::path>& paths);

// "8 of 40 files cannot be read and count as missing: a (Permission denied), ..."; empty where all
// can. Names a few.
std::string DescribeUnreadable(const StudyFiles& study);

}  // namespace m3lung::client

#endif  // M3LUNG_CLIENT_FILE_DISCOVERY_H_
