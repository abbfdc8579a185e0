// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace m3lung {
namespace {

namespace fs = std::filesystem;

// The folders of this process's control groups for `controller`, from its own up to the root,
// as far as they are mounted here. A container often sees its own as the root.
std::vector<fs::path> CgroupFolders(const CgroupFiles& files, absl::string_view controller) {
  fs::path group;
  fs::path mount = files.mount;  // v2: one tree for all controllers
  std::ifstream memberships(files.memberships);
  for (std::string line; std::getline(memberships, line);) {
    // "4:cpu,cpuacct:/path" in v1, "0::/path" in v2.
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    if (std::find(controllers.begin(), controllers.end(), controller) != controllers.end()) {
      group = parts[2];
      mount = files.mount / std::string(controller);
      break;
    }
    if (parts[1].empty()) group = parts[2];
  }
  std::vector<fs::path> folders;
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    folders.push_back(mount / group);
  }
  folders.push_back(mount);
  return folders;
}

// The quota over the period in one control group; infinite where there is none.
double ProcessorsOf(const fs::path& folder) {
  // v2 says "max 100000" or "200000 100000" (quota and period in us); v1 splits them over two
  // files, with -1 for no quota.
  double quota = -1, period = 0;
  if (std::ifstream v2(folder / "cpu.max"); v2) {
    std::string word;
    if (v2 >> word >> period && word != "max") quota = std::strtod(word.c_str(), nullptr);
  } else if (std::ifstream v1(folder / "cpu.cfs_quota_us"); v1) {
    v1 >> quota;
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

}  // namespace

int UsableProcessors(const CgroupFiles& files) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  double processors = 1;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) processors = CPU_COUNT(&mask);
  for (const fs::path& folder : CgroupFolders(files, "cpu")) {
    processors = std::min(processors, ProcessorsOf(folder));
  }
  return std::max(static_cast<int>(std::ceil(processors)), 1);
}

int64_t UsableMemory(const CgroupFiles& files) {
  int64_t bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const fs::path& folder : CgroupFolders(files, "memory")) {
    // v2 says "max" or a number; v1 a number, huge where there is no limit.
    for (const char* file : {"memory.max", "memory.limit_in_bytes"}) {
      int64_t limit = 0;
      if (std::ifstream(folder / file) >> limit && limit > 0) bytes = std::min(bytes, limit);
    }
  }
  return bytes;
}

int64_t ResidentMemory() {
  int64_t total = 0, resident = 0, of_files = 0;  // pages
  if (!(std::ifstream("/proc/self/statm") >> total >> resident >> of_files)) return 0;
  return (resident - of_files) * sysconf(_SC_PAGESIZE);
}

}  // namespace m3lung
