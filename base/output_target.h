// SPDX-License-Identifier: Apache-2.0
// What a path that is to be written to stands for.
#ifndef M3LUNG_BASE_OUTPUT_TARGET_H_
#define M3LUNG_BASE_OUTPUT_TARGET_H_

#include <filesystem>

namespace m3lung {

enum class OutputKind {
  kFile,        // a regular file, there or not, which may be replaced; or a folder
  kDescriptor,  // an open descriptor of this process: /dev/stdout, the shell's >(command)
  kThrough,     // a device, a pipe or a socket: to be opened and written to, never replaced
};

struct OutputTarget {
  OutputKind kind = OutputKind::kFile;
  std::filesystem::path path;  // links followed, also where the last one leads to nothing yet
  int descriptor = -1;         // of kDescriptor
};

OutputTarget FindOutputTarget(const std::filesystem::path& path);

}  // namespace m3lung

#endif  // M3LUNG_BASE_OUTPUT_TARGET_H_
