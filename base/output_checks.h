// SPDX-License-Identifier: Apache-2.0
// Whether outputs can be written, found out before the work that they are for.
#ifndef M3LUNG_BASE_OUTPUT_CHECKS_H_
#define M3LUNG_BASE_OUTPUT_CHECKS_H_

#include <cstdint>
#include <filesystem>

#include "absl/status/status.h"

namespace m3lung {

// That WriteFile() can write `path`. The error names it and says why not. Leaves nothing behind.
absl::Status CheckOutputFile(const std::filesystem::path& path);

// That files can be written into `folder`, or that it can be made where it is not there. The error
// names it and says why not: PERMISSION_DENIED, RESOURCE_EXHAUSTED where the disk is full.
absl::Status CheckOutputFolder(const std::filesystem::path& folder);

// RESOURCE_EXHAUSTED where the file system of `folder`, there or not, has less than `bytes` left.
absl::Status CheckRoom(const std::filesystem::path& folder, int64_t bytes);

}  // namespace m3lung

#endif  // M3LUNG_BASE_OUTPUT_CHECKS_H_
