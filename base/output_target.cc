// SPDX-License-Identifier: Apache-2.0
#include "base/output_target.h"

#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux has it

// The descriptor that `path` names; -1 where it names none. The descriptor itself is meant: opened
// anew by its path, a regular file would be written from its beginning, over what is there.
int DescriptorNamedBy(const fs::path& path) {
  const std::string text = path.lexically_normal().string();
  absl::string_view number = text;
  if (!absl::ConsumePrefix(&number, "/dev/fd/") &&
      !absl::ConsumePrefix(&number, "/proc/self/fd/")) {
    return -1;
  }
  int descriptor = -1;
  return absl::SimpleAtoi(number, &descriptor) ? descriptor : -1;
}

}  // namespace

OutputTarget FindOutputTarget(const fs::path& path) {
  OutputTarget target;
  target.path = path;
  for (int links = 0; links < kMostLinks; ++links) {
    target.descriptor = DescriptorNamedBy(target.path);
    if (target.descriptor >= 0) {
      target.kind = OutputKind::kDescriptor;
      return target;
    }
    std::error_code error;
    const fs::path next = fs::read_symlink(target.path, error);
    if (error) break;
    target.path = next.is_absolute() ? next : target.path.parent_path() / next;
  }
  std::error_code ignored;
  const fs::file_status status = fs::status(target.path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status)) {
    target.kind = OutputKind::kThrough;
  }
  return target;
}

}  // namespace m3lung
