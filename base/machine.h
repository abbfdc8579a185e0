// SPDX-License-Identifier: Apache-2.0
// What of the machine this process may use. The limits of its control groups (cgroup v2 and
// v1: a container's, or a systemd unit's) are respected.
#ifndef M3LUNG_BASE_MACHINE_H_
#define M3LUNG_BASE_MACHINE_H_

#include <cstdint>
#include <filesystem>

namespace m3lung {

// Where control groups are found; another place in tests.
struct CgroupFiles {
  std::filesystem::path mount = "/sys/fs/cgroup";
  std::filesystem::path memberships = "/proc/self/cgroup";
};

// At least 1. By the CPU quota and the affinity mask, so that a container of two cores on
// a large node gets 2.
int UsableProcessors(const CgroupFiles& files = {});

// Bytes.
int64_t UsableMemory(const CgroupFiles& files = {});

// Bytes of this process in memory that no file stands behind: what counts against a limit and
// cannot be dropped. Up to a MiB behind, as Linux counts; 0 where the system does not say.
int64_t ResidentMemory();

}  // namespace m3lung

#endif  // M3LUNG_BASE_MACHINE_H_
