// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace m3lung {

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is a folder, not a file"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path.string()));
  std::string contents((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return absl::DataLossError(absl::StrCat("cannot read ", path.string()));
  return contents;
}

absl::Status WriteFile(const std::filesystem::path& path, absl::string_view contents) {
  const std::filesystem::path partial = absl::StrCat(path.string(), ".", getpid(), ".partial");
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    file.flush();
    if (!file) {
      const int reason = errno;
      std::error_code ignored;
      std::filesystem::remove(partial, ignored);
      return absl::ErrnoToStatus(reason, absl::StrCat("cannot write ", path.string()));
    }
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot make the folder ", folder.string(), ": ", error.message()));
}

}  // namespace m3lung
