// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/output_target.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 1 << 20;

enum class Durability { kSynced, kCached };

// False where it fails, with errno set.
bool WriteAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // a pipe that its other end made non-blocking
      pollfd ready = {.fd = file, .events = POLLOUT, .revents = 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// Whether the file's contents are on the disk, as far as its file system can tell.
bool Sync(int file) { return fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP; }

// Also the name is then on the disk. Some file systems have nothing of the kind.
void SyncFolder(const fs::path& folder) {
  const int file = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  fsync(file);
  close(file);
}

// False where it fails, with errno set. `mode`: the access rights; those of any new file where 0.
bool WriteNew(const fs::path& path, absl::string_view contents, mode_t mode,
              Durability durability) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return false;
  bool done = (mode == 0 || fchmod(file, mode) == 0) && WriteAll(file, contents);
  if (done && durability == Durability::kSynced) done = Sync(file);
  const int reason = errno;
  if (close(file) != 0) return false;  // where a network file system tells of a full disk
  errno = reason;
  return done;
}

absl::Status Replace(const fs::path& path, const fs::path& target, absl::string_view contents,
                     Durability durability) {
  const fs::path partial = absl::StrCat(target.string(), ".", getpid(), ".partial");
  struct stat there = {};
  const mode_t mode = stat(target.c_str(), &there) == 0 ? there.st_mode & 0777 : 0;
  auto remove_partial = absl::MakeCleanup([&] { unlink(partial.c_str()); });
  if (!WriteNew(partial, contents, mode, durability) ||
      rename(partial.c_str(), target.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path.string()));
  }
  std::move(remove_partial).Cancel();
  if (durability == Durability::kSynced) SyncFolder(target.parent_path());
  return absl::OkStatus();
}

absl::Status WriteThrough(const fs::path& path, absl::string_view contents) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  const bool done = file >= 0 && WriteAll(file, contents);
  const int reason = errno;
  if (file >= 0) close(file);
  if (done) return absl::OkStatus();
  return absl::ErrnoToStatus(reason, absl::StrCat("cannot write ", path.string()));
}

absl::Status Write(const fs::path& path, absl::string_view contents, Durability durability) {
  const OutputTarget target = FindOutputTarget(path);
  switch (target.kind) {
    case OutputKind::kFile:
      return Replace(path, target.path, contents, durability);
    case OutputKind::kThrough:
      return WriteThrough(path, contents);
    case OutputKind::kDescriptor:
      if (WriteAll(target.descriptor, contents)) return absl::OkStatus();
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path.string()));
  }
  return absl::InternalError("an output of no kind");
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const fs::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path.string()));
  const auto close_file = absl::MakeCleanup([file] { close(file); });
  struct stat status = {};
  if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is a folder, not a file"));
  }
  // One byte more than there is: the last read tells that the file ends.
  std::string contents(S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) + 1 : 0, '\0');
  size_t size = 0;
  while (true) {
    if (size == contents.size()) contents.resize(size + kReadBytes);
    const ssize_t count = read(file, contents.data() + size, contents.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path.string()));
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  contents.resize(size);
  return contents;
}

absl::Status WriteFile(const fs::path& path, absl::string_view contents) {
  return Write(path, contents, Durability::kSynced);
}

absl::Status WriteFileCached(const fs::path& path, absl::string_view contents) {
  return Write(path, contents, Durability::kCached);
}

absl::Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot make the folder ", folder.string(), ": ", error.message()));
}

}  // namespace m3lung
