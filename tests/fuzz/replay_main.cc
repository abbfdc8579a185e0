// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files, with any compiler: what a fuzzer has once found
// is looked at in every test run.
//
//   fuzz_replay_TARGET [--optional] PATH...
//
// A path is a file or a folder, searched to its depth; one that is absent counts
// as empty. No file at all is an error, with --optional a skipped test (77).
// Each file is named before its run, so that the last name is the one that crashed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "base/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kSkipped = 77;

std::set<std::filesystem::path> FilesUnder(const std::filesystem::path& path) {
  std::set<std::filesystem::path> files;
  if (std::filesystem::is_regular_file(path)) files.insert(path);
  if (!std::filesystem::is_directory(path)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.insert(entry.path());
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  bool optional = false;
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--optional") == 0) {
      optional = true;
      continue;
    }
    for (const std::filesystem::path& file : FilesUnder(argv[i])) {
      std::fprintf(stderr, "%s\n", file.c_str());
      const absl::StatusOr<std::string> bytes = m3lung::ReadFile(file);
      if (!bytes.ok()) {
        std::fprintf(stderr, "fuzz_replay: %s\n", bytes.status().ToString().c_str());
        return 1;
      }
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size());
      ++count;
    }
  }
  std::printf("fuzz_replay: %d files\n", count);
  if (count > 0) return 0;
  std::fprintf(stderr, "fuzz_replay: no file in any of the paths given\n");
  return optional ? kSkipped : 1;
}
