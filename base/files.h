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

// Writes beside the target and renames, so that no reader sees half a file.
absl::Status WriteFile(const std::filesystem::path& path, absl::string_view contents);

// Makes the folder, and those above it, where they are not there. UNAVAILABLE names
// it and says why not.
absl::Status MakeFolder(const std::filesystem::path& folder);

}  // namespace m3lung

#endif  // M3LUNG_BASE_FILES_H_
