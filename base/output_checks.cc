// SPDX-License-Identifier: Apache-2.0
#include "base/output_checks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/output_target.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// A disk that is full may still make an empty file.
constexpr size_t kProbeBytes = 4096;

absl::Status CannotWrite(const fs::path& path, int reason) {
  return absl::ErrnoToStatus(reason, absl::StrCat("cannot write ", path.string()));
}

absl::Status CheckDescriptor(const fs::path& path, int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return CannotWrite(path, errno);
  return (flags & O_ACCMODE) == O_RDONLY ? CannotWrite(path, EBADF) : absl::OkStatus();
}

absl::Status CheckThrough(const fs::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return CannotWrite(path, errno);
  if (S_ISSOCK(status.st_mode)) return CannotWrite(path, ENXIO);
  if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) return CannotWrite(path, errno);
  return absl::OkStatus();
}

// The folder itself, or the nearest one above it that is there.
fs::path NearestThatExists(fs::path folder) {
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

// Writes into the folder, and takes it back. Rights alone do not tell: of root, of network file
// systems, of disks that are full.
int TryToWrite(const fs::path& folder) {
  const fs::path probe = folder / absl::StrCat(".", getpid(), ".partial");
  const int file = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const std::string bytes(kProbeBytes, '\0');
  const ssize_t written = write(file, bytes.data(), bytes.size());
  int reason = written < 0 ? errno : static_cast<size_t>(written) < bytes.size() ? ENOSPC : 0;
  if (close(file) != 0 && reason == 0) reason = errno;
  unlink(probe.c_str());
  return reason;
}

}  // namespace

absl::Status CheckOutputFile(const fs::path& path) {
  const OutputTarget target = FindOutputTarget(path);
  if (target.kind == OutputKind::kDescriptor) return CheckDescriptor(path, target.descriptor);
  if (target.kind == OutputKind::kThrough) return CheckThrough(path);
  std::error_code error;
  if (fs::is_directory(target.path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is a folder; name a file"));
  }
  const fs::path folder = fs::absolute(target.path, error).parent_path();
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(absl::StrCat("there is no folder ", folder.string()));
  }
  return CheckOutputFolder(folder);
}

absl::Status CheckOutputFolder(const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::absolute(folder, error);
  const fs::path there = NearestThatExists(error ? folder : whole);
  if (!fs::is_directory(there, error)) {
    return absl::FailedPreconditionError(absl::StrCat("cannot make the folder ", folder.string(),
                                                      ": ", there.string(),
                                                      " is a file, not a folder"));
  }
  const int reason = TryToWrite(there);
  if (reason == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(
      reason, there == whole ? absl::StrCat("cannot write into the folder ", folder.string())
                             : absl::StrCat("cannot make the folder ", folder.string(), " in ",
                                            there.string()));
}

absl::Status CheckRoom(const fs::path& folder, int64_t bytes) {
  std::error_code error;
  const fs::path there = NearestThatExists(fs::absolute(folder, error));
  const fs::space_info space = fs::space(there, error);
  // Where the file system does not tell, the writing will.
  if (error || space.available >= static_cast<uintmax_t>(bytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the disk of ", folder.string(), " is too full: ", space.available >> 10,
                   " KiB are left, and ", bytes >> 10, " KiB are needed"));
}

}  // namespace m3lung
