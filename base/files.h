// SPDX-License-Identifier: Apache-2.0
// Whole files in and out.
#ifndef M3LUNG_BASE_FILES_H_
#define M3LUNG_BASE_FILES_H_

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace m3lung {

// NOT_FOUND where there is no such file; the message never holds its contents.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path);

// A regular file is written beside its place and renamed, so that no reader sees half a file, and
// nothing is left where it fails; a link's target is replaced, not the link. Devices, pipes and
// open descriptors (/dev/null, /dev/stdout, the shell's >(command)) are written to. The error
// names the path and says why: RESOURCE_EXHAUSTED where the disk is full. A file is on the disk
// once the call has returned.
absl::Status WriteFile(const std::filesystem::path& path, absl::string_view contents);

// The same, and when a file gets to the disk is left to the system: for many files that can be made
// again.
absl::Status WriteFileCached(const std::filesystem::path& path, absl::string_view contents);

// Makes the folder, and those above it, where they are not there. UNAVAILABLE names
// it and says why not.
absl::Status MakeFolder(const std::filesystem::path& folder);

}  // namespace m3lung

#endif  // M3LUNG_BASE_FILES_H_
